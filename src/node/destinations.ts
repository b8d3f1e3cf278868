/** Where what the guest prints goes. */
import { EmulatorError } from '../errors.ts';

export type Destination = { readonly kind: 'stdio' } | { readonly kind: 'none' } | { readonly kind: 'file'; readonly path: string };

/** @throws EmulatorError `bad-option` */
export function destination(spec: string, flag: string): Destination {
  if (spec === 'stdio' || spec === 'mon:stdio') return { kind: 'stdio' };
  if (spec === 'none' || spec === 'null') return { kind: 'none' };
  if (spec.startsWith('file:') && spec.length > 5) return { kind: 'file', path: spec.slice(5) };
  throw new EmulatorError('bad-option', `-${flag} ${spec}: it is stdio, none or file:PATH`);
}
