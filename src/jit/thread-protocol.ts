/** What the machine and its compiler thread say to each other. */
export interface CompileRequest {
  readonly id: number;
  /** As `packRegions` has them. */
  readonly regions: Int32Array<ArrayBuffer>;
}

/** `module` is undefined when the engine refused what was made: a defect, or no memory left. */
export interface CompileReply {
  readonly id: number;
  readonly module: WebAssembly.Module | undefined;
  /** Length of the module in bytes. */
  readonly bytes: number;
}

/** The machine's end of the thread. */
export interface CompilerThread {
  post(request: CompileRequest): void;
  /** `onEnd`: the thread has died and answers nothing any more. */
  listen(onReply: (reply: CompileReply) => void, onEnd: () => void): void;
}
