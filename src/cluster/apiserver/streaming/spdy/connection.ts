import { Duplex } from 'node:stream';
import {
  controlFrame,
  createFrameReader,
  dataFrame,
  FLAG_FIN,
  type Frame,
  GOAWAY,
  PING,
  RST_STREAM,
  SYN_REPLY,
  SYN_STREAM,
} from './frames.ts';
import { createHeaderCodec } from './headers.ts';

/** A stream that the client opened. */
export interface SpdyStream {
  readonly headers: ReadonlyMap<string, string>;
  readonly duplex: Duplex;
}

export interface SpdyConnection {
  /** Says goodbye and ends the transport once everything is written. */
  end(): void;
  readonly closed: Promise<void>;
}

const MAX_STREAMS = 512;
const REFUSED_STREAM = 3;

/**
 * The server's side of SPDY/3.1 as Kubernetes' clients speak it: they open streams, and know no flow control, so a reader that lags
 * holds back the whole connection. `onStream` is called for each stream, already accepted.
 */
export function serveSpdy(transport: Duplex, onStream: (stream: SpdyStream) => void): SpdyConnection {
  const reader = createFrameReader();
  const codec = createHeaderCodec();
  const streams = new Map<number, Duplex>();
  let work: Promise<void> = Promise.resolve();

  const send = (frame: Buffer, done?: () => void) => {
    if (transport.destroyed || transport.writableEnded) done?.();
    else transport.write(frame, () => done?.());
  };

  const open = async (payload: Buffer, flags: number) => {
    const id = payload.readUInt32BE(0) & 0x7fff_ffff;
    // The block must be read even when the stream is refused: the compression state goes on.
    const headers = await codec.read(payload.subarray(10));
    const idBytes = Buffer.alloc(4);
    idBytes.writeUInt32BE(id);
    if (streams.size >= MAX_STREAMS || streams.has(id)) {
      send(controlFrame(RST_STREAM, Buffer.concat([idBytes, Buffer.from([0, 0, 0, REFUSED_STREAM])])));
      return;
    }
    const duplex = new Duplex({
      read: () => transport.resume(),
      write: (chunk: Buffer, _encoding, done) => send(dataFrame(id, chunk, false), done),
      final: (done) => send(dataFrame(id, Buffer.alloc(0), true), done),
    });
    duplex.on('error', () => duplex.destroy());
    duplex.on('close', () => streams.delete(id));
    streams.set(id, duplex);
    send(controlFrame(SYN_REPLY, Buffer.concat([idBytes, await codec.writeEmpty()])));
    if (flags & FLAG_FIN) duplex.push(null);
    onStream({ headers, duplex });
  };

  const handle = async (frame: Frame) => {
    if (frame.kind === 'data') {
      const duplex = streams.get(frame.stream);
      if (!duplex || duplex.readableEnded) return;
      if (frame.payload.length > 0 && !duplex.push(Buffer.from(frame.payload))) transport.pause();
      if (frame.fin) duplex.push(null);
    } else if (frame.type === SYN_STREAM) await open(frame.payload, frame.flags);
    else if (frame.type === RST_STREAM) streams.get(frame.payload.readUInt32BE(0))?.destroy();
    else if (frame.type === PING) send(controlFrame(PING, frame.payload));
  };

  transport.on('data', (chunk: Buffer) => {
    work = work
      .then(async () => {
        for (const frame of reader.push(chunk)) await handle(frame);
      })
      .catch(() => {
        // Whatever cannot be read is a broken or hostile client.
        transport.destroy();
      });
  });
  transport.on('end', () => transport.end());
  transport.on('error', () => transport.destroy());
  const closed = new Promise<void>((resolve) => {
    transport.on('close', () => {
      for (const duplex of streams.values()) duplex.destroy();
      codec.close();
      resolve();
    });
  });
  return {
    end() {
      send(controlFrame(GOAWAY, Buffer.alloc(8)));
      transport.end();
    },
    closed,
  };
}
