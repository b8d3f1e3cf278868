/**
 * The system part of the leaf kernel: what kernels and programs do at every system call and switch, without a way out of
 * WebAssembly. But for
 * `time_stamp` and `beside_code` each function does the whole work in the cases that it names and gives 1, or does nothing and gives 0; then the
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
   * (cpu, linear address, its TLB entry, bytes): where a store goes that the write tag does not serve because code was made from
   * the frame, if it changes none of that code; else 0.
   */
  beside_code: { params: ['i32', 'i32', 'i32', 'i32'], result: 'i32' },
  beside_code64: { params: ['i32', 'i64', 'i32', 'i32'], result: 'i32' },
  /** (cpu, fuel left after the instruction): the time-stamp counter, while TSC_RATE is not 0. */
  time_stamp: { params: ['i32', 'i32'], result: 'i64' },
} as const;
