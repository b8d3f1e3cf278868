/**
 * The system part of the leaf kernel: what kernels and programs do at every system call and switch, without a way out of
 * WebAssembly. But for
 * `time_stamp`, `beside_code` and `area_bytes` each function does the whole work in the cases that it names and gives 1, or does nothing and gives 0; then the
 * helper of src/cpu that has every case goes ahead. The first parameter is the arena address of the vCPU's state.
 */
export const SYSTEM_KERNEL_TYPES = {
  /**
   * (cpu, segment register, selector): MOV and POP to a data segment register in protected mode, where the mode key stays as
   * it is: a segment of the GDT that is present, accessed and grows upwards, or null, to FS and GS; to DS and ES from one
   * flat segment to another.
   */
  load_data_segment: { params: ['i32', 'i32', 'i32'], result: 'i32' },
  /** (cpu): all but ESP and EIP, between flat code of 32 bits outside long mode. */
  sysenter: { params: ['i32'], result: 'i32' },
  sysexit: { params: ['i32'], result: 'i32' },
  /** (cpu): all but the general registers, RIP and the flags, from code of 64 bits. */
  syscall: { params: ['i32'], result: 'i32' },
  /** (cpu, RIP, flags): likewise, to code of 64 bits. */
  sysret: { params: ['i32', 'i64', 'i32'], result: 'i32' },
  /**
   * (cpu, vector, EFLAGS, RSP, RIP of the next instruction): INT, but for RSP, which is in TRANSFER_RSP then, and RIP is in its place. This
   * and the next three: through gates to code below level 3, and back, between flat code of 32 bits outside long mode and between code of
   * 64 bits, while no event is watched. Not 0 where it is done.
   */
  software_interrupt: { params: ['i32', 'i32', 'i32', 'i64', 'i64'], result: 'i32' },
  /** (cpu, vector, error code, 1 if it has one, EFLAGS to save): an exception or interrupt, with RIP and RSP in the state. */
  deliver_event: { params: ['i32', 'i32', 'i32', 'i32', 'i32'], result: 'i32' },
  /** (cpu, record of the instruction, arithmetic flags): likewise, the exception in FAULT_VECTOR. 1, 2: on in code of 32, 64 bits. */
  deliver_fault: { params: ['i32', 'i32', 'i32'], result: 'i32' },
  /** (cpu, RSP): IRET, but for RSP and flags, which are in TRANSFER_RSP and TRANSFER_FLAGS then; RIP is in its place. */
  interrupt_return: { params: ['i32', 'i64'], result: 'i32' },
  /**
   * (cpu, linear address, its TLB entry, bytes): where a store goes that the write tag does not serve because code was made from
   * the frame, if it changes none of that code; else 0.
   */
  beside_code: { params: ['i32', 'i32', 'i32', 'i32'], result: 'i32' },
  beside_code64: { params: ['i32', 'i64', 'i32', 'i32'], result: 'i32' },
  /**
   * (cpu, linear address, form by area-forms.ts): FXSAVE, FXRSTOR and the XSAVE family on pages that the TLB serves. Left to the body: what they
   * look at before memory. 0 too where the area does not fit.
   */
  move_state: { params: ['i32', 'i64', 'i32'], result: 'i32' },
  /** (cpu, arena address of the whole area, form): likewise; 0: what is to be restored does not fit, #GP(0). */
  move_area: { params: ['i32', 'i32', 'i32'], result: 'i32' },
  /** (cpu, form): bytes that the area of the instruction may have. */
  area_bytes: { params: ['i32', 'i32'], result: 'i32' },
  /** (cpu, fuel left after the instruction): the time-stamp counter, while TSC_RATE is not 0. */
  time_stamp: { params: ['i32', 'i32'], result: 'i64' },
} as const;
