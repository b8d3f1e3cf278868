/** Random numbers of the processor, which are the host's [SDM1 7.3.17]. */
import type { CpuContext } from './context.ts';

/** For RDRAND and RDSEED: 32 bits. */
export function random({ host }: CpuContext): number {
  const [a, b, c, d] = host.random?.(4) ?? [0, 0, 0, 0];
  return a | (b << 8) | (c << 16) | (d << 24);
}
