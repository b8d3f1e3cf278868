/** The two interpreters' loop in a worker of the browser. */
import type { LoopRates } from '../interpreter/loop.ts';

export interface LoopRequest {
  /** Where what Coracle's processor runs on lies, with a slash at its end. */
  readonly codeUrl: string;
  readonly iterations: number;
  readonly repetitions: number;
}

export interface InterpreterPage {
  measure(workerUrl: string, request: LoopRequest): Promise<LoopRates>;
}

const interpreterPage: InterpreterPage = {
  measure: (workerUrl, request) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(workerUrl, { type: 'module' });
      worker.onmessage = ({ data }) => resolve(data as LoopRates);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(request);
    }),
};
(globalThis as { interpreterPage?: InterpreterPage }).interpreterPage = interpreterPage;
