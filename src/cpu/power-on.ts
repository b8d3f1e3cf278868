/** The processor's state at power-on [SDM3 9.1.1, table 9-1]. */
import { DR6_RESET, DR7_RESET } from './debug-registers.ts';
import * as L from './layout.ts';
import type { CpuProfile } from './profiles.ts';
import { CR0_CD, CR0_ET, CR0_NW, EFLAGS_FIXED, RDX } from './registers.ts';
import { resetSegments } from './segments.ts';
import { middleConstants } from './sse/middle.ts';
import type { CpuState } from './state.ts';
import { STATE_X87 } from './system/area-forms.ts';

export function powerOnState(state: CpuState, profile: CpuProfile): void {
  state.arena.u8.fill(0, state.base, state.base + L.STATE_SIZE);
  resetSegments(state);
  state.eip = 0xfff0;
  state.eflags = EFLAGS_FIXED;
  state.setCr(0, CR0_CD | CR0_NW | CR0_ET);
  state.setReg(RDX, profile.signature);
  state.setU32(L.IDTR_LIMIT, 0xffff);
  state.setU32(L.GDTR_LIMIT, 0xffff);
  state.setDr(6, DR6_RESET);
  state.setDr(7, DR7_RESET);
  state.setU16(L.FCW, 0x0040);
  state.arena.u8[state.base + L.FTW] = 0xff;
  state.setU32(L.MXCSR, 0x1f80);
  state.setU32(L.XCR0, STATE_X87);
  state.setU32(L.TWO_PAGES, 2 * 4096);
  state.arena.u8.set(new Uint8Array(middleConstants().buffer), state.base + L.MIDDLE_CONSTANTS);
}
