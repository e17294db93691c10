import { inNetworkNamespace, openListenSocket } from '../../sys/index.ts';
import type { ResidentProgram } from '../images/index.ts';
import type { Container, ContainerExit } from './container.ts';
import type { ContainerLog } from './log-file.ts';

/** A program that does not come to its end by then is not waited for. */
const killedMs = 5000;

/** Starts a container whose program runs in this process, with its sockets in the network namespace at `network`. */
export function startResident(program: ResidentProgram, network: string, log: ContainerLog): Container {
  const ended = Promise.withResolvers<ContainerExit>();
  const tell = (stream: 'stdout' | 'stderr', line: string): void => log.write(stream, Buffer.from(`${line}\n`));
  const fail = (error: unknown): void => {
    tell('stderr', error instanceof Error ? error.message : String(error));
    ended.resolve({ exitCode: 1 });
  };
  // Whatever it throws, at once or later, is its end.
  const running = Promise.resolve().then(() =>
    program.start({ bind: (port) => bindIn(network, port), tell: (line) => tell('stdout', line) }),
  );
  running.catch(fail);
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    running.then(({ stop: end }) => end()).then(() => ended.resolve({ exitCode: 0 }), fail);
  };
  return {
    exited: ended.promise.then((exit) => {
      log.end();
      return exit;
    }),
    signal: stop,
    kill: () => {
      stop();
      setTimeout(() => ended.resolve({ exitCode: 137 }), killedMs).unref();
    },
  };
}

function bindIn(network: string, port: number): number {
  return inNetworkNamespace(network, () =>
    openListenSocket({
      address: '0.0.0.0',
      port,
      transparent: false,
      freebind: false,
      reusePort: false,
      beforeBind: () => {},
    }),
  );
}
