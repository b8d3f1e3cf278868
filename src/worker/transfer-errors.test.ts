import { MessageChannel } from 'node:worker_threads';
import { type Endpoint, expose, type Remote, wrap } from 'comlink';
import { afterEach, describe, expect, it } from 'vitest';
import { EmulatorError } from '../errors.ts';
import './transfer-errors.ts';

interface Thrower {
  fail(kind: 'known' | 'fault' | 'text'): void;
}

const channels: MessageChannel[] = [];

/** Node's ports, as Comlink wants them. */
function endpoint(port: MessageChannel['port1']): Endpoint {
  return port as unknown as Endpoint;
}

function connect(): Remote<Thrower> {
  const channel = new MessageChannel();
  channels.push(channel);
  const thrower: Thrower = {
    fail(kind) {
      if (kind === 'known') throw new EmulatorError('bad-image', 'the image is empty');
      if (kind === 'fault') throw new TypeError('x is not a function');
      throw 'a text';
    },
  };
  expose(thrower, endpoint(channel.port1));
  return wrap<Thrower>(endpoint(channel.port2));
}

afterEach(() => {
  for (const { port1 } of channels.splice(0)) port1.close();
});

describe('errors over Comlink', () => {
  it('an EmulatorError arrives as one, with its code', async () => {
    const error = await connect().fail('known').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(EmulatorError);
    expect(error).toMatchObject({ code: 'bad-image', message: 'the image is empty' });
  });

  it('a fault arrives as an error without a code', async () => {
    const error = await connect().fail('fault').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(EmulatorError);
    expect(error).toMatchObject({ message: 'x is not a function' });
  });

  it('whatever else is thrown arrives as an error', async () => {
    expect(await connect().fail('text').catch((caught: unknown) => caught)).toMatchObject({ message: 'a text' });
  });
});
