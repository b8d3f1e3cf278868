/**
 * Lets an EmulatorError cross Comlink as what it is: Comlink itself keeps name, message and stack of what is thrown, so
 * the code would be lost. Both sides import this file before they talk.
 */
import { transferHandlers } from 'comlink';
import { EmulatorError, type EmulatorErrorCode } from '../errors.ts';
import type { ErrorReport } from './protocol.ts';

/** What Comlink hands to its handler named 'throw': a wrapper around the value that was thrown. */
interface Thrown {
  readonly value: unknown;
}

export function reportOf(error: unknown): ErrorReport {
  if (!(error instanceof Error)) return { message: String(error) };
  const { message, stack } = error;
  const code: { code?: EmulatorErrorCode } = error instanceof EmulatorError ? { code: error.code } : {};
  return { message, ...code, ...(stack === undefined ? {} : { stack }) };
}

export function errorOf(report: ErrorReport): Error {
  const error = report.code === undefined ? new Error(report.message) : new EmulatorError(report.code, report.message);
  if (report.stack !== undefined) error.stack = report.stack;
  return error;
}

const builtin = transferHandlers.get('throw');
if (builtin === undefined) throw new Error('this Comlink has no handler for errors');
transferHandlers.set('throw', {
  canHandle: (value): value is Thrown => builtin.canHandle(value),
  serialize: ({ value }: Thrown) => [reportOf(value), []],
  deserialize: (report: ErrorReport): never => {
    throw errorOf(report);
  },
});
