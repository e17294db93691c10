import { enumName } from '../../model/flow/index.ts';
import type { CommandIo } from '../io.ts';
import { type ServerFlags, withClient } from './connection.ts';

/** `hubble watch peers`: one line per change until interrupted. */
export async function watchPeers(flags: ServerFlags, io: CommandIo): Promise<number> {
  return withClient(flags, io, async (client) => {
    const stream = client.notifyPeers();
    process.once('SIGINT', stream.cancel);
    io.stdout.once('error', stream.cancel);
    for await (const { type = 0, address = '', name = '', tls } of stream) {
      const change = enumName('peer.ChangeNotificationType', type) ?? String(type);
      const server = tls?.server_name ? ` (TLS.ServerName: ${tls.server_name})` : '';
      io.stdout.write(`${change.padEnd(12)} ${address} ${name}${server}\n`);
    }
    process.off('SIGINT', stream.cancel);
    return 0;
  });
}
