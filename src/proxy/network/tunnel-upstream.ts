import type { UpstreamExchange } from '../cluster/exchange.ts';
import type { Host } from '../cluster/host.ts';
import type { ConnectionPool, PoolClient } from '../cluster/pool.ts';
import type { ResetReason } from '../cluster/reset.ts';
import type { ResponseHandler } from '../cluster/response-handler.ts';
import type { ResponseHead } from '../http/head.ts';
import type { HeaderMap } from '../http/headers.ts';
import type { Peer, StreamInfo } from '../http/stream-info.ts';
import type { TlsInfo } from '../tls/info.ts';
import type { ByteUpstream, ConnectFailure, UpstreamOwner } from './tcp-upstream.ts';
import { isEstablished, keepResponseHead, keepResponseTrailers, type Tunneling, tunnelRequest } from './tunneling.ts';

const NOTHING = Buffer.alloc(0);
/** How long a host may take for the last bytes it is sent. */
const FLUSH_MS = 60_000;

/** What hears of a tunnel. */
export interface TunnelOwner extends UpstreamOwner {
  /** The host sends nothing more, but takes what the client sends. */
  onUpstreamEnd(): void;
  /** It is over: what is written goes out, then nothing more. `reset`: the host has cut it off. */
  onTunnelEnded(reset: boolean): void;
}

/**
 * Room in a cluster's HTTP pool whose host is asked for a tunnel and then carries bytes. Over HTTP/2 each side of the tunnel ends on its own;
 * over HTTP/1.1, as in Envoy, either end of it ends both.
 */
export class TunnelUpstream implements ByteUpstream, PoolClient, ResponseHandler {
  readonly headRequest = false;
  readonly closesHere = true;
  readonly #owner: TunnelOwner;
  readonly #pool: ConnectionPool;
  readonly #host: Host;
  readonly #tunneling: Tunneling;
  readonly #info: StreamInfo;
  #connection: UpstreamExchange | undefined = undefined;
  #established = false;
  #over = false;
  /** The host has ended its side of a tunnel whose sides end on their own. */
  #hostEnded = false;

  constructor(owner: TunnelOwner, pool: ConnectionPool, host: Host, tunneling: Tunneling, info: StreamInfo) {
    this.#owner = owner;
    this.#pool = pool;
    this.#host = host;
    this.#tunneling = tunneling;
    this.#info = info;
  }

  /** Of HTTP/2 a POST carries bytes as CONNECT does. */
  get switching(): 'connect' | 'none' {
    return this.#tunneling.method === 'CONNECT' || this.#halfCloses ? 'connect' : 'none';
  }

  get #halfCloses(): boolean {
    return this.#connection?.protocol === 'HTTP/2';
  }

  /** Asks for a connection; the owner may be told the outcome before this returns. */
  start(): void {
    this.#pool.request(this);
  }

  /** The host was asked and has not answered. */
  get asked(): boolean {
    return this.#connection !== undefined && !this.#established && !this.#over;
  }

  get connection(): UpstreamExchange | undefined {
    return this.#connection;
  }

  get local(): Peer {
    return this.#connection?.local ?? { address: '', port: 0 };
  }

  get tls(): TlsInfo | undefined {
    return this.#connection?.tls;
  }

  get remote(): Peer | undefined {
    return this.#connection?.remote;
  }

  get blocked(): boolean {
    return this.#connection?.writable === false;
  }

  onReady(connection: UpstreamExchange): void {
    const head = tunnelRequest(this.#tunneling, this.#info);
    this.#connection = connection;
    this.#begin();
    connection.begin(this);
    if (!head) {
      this.#refuse('the host of the tunnel is none');
      return;
    }
    connection.sendRequest(head, undefined, false, undefined);
  }

  #begin(): void {
    const { resources, cluster } = this.#pool;
    resources.requests++;
    this.#host.activeRequests++;
    this.#host.stats.rqTotal++;
    cluster.stats.rqTotal++;
    cluster.stats.rqActive++;
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#connection) return;
    const { resources, cluster } = this.#pool;
    resources.requests--;
    this.#host.activeRequests--;
    cluster.stats.rqActive--;
  }

  onPoolFailure(reason: ResetReason, detail: string): void {
    this.#end();
    const kind: ConnectFailure =
      reason === 'connection timeout' ? 'timeout' : reason === 'remote connection failure' ? 'remote' : 'local';
    this.#owner.onConnectFailed(detail, kind);
  }

  onHead(head: ResponseHead, done: boolean): void {
    if (this.#over) return;
    if (this.#tunneling.keepHeaders) keepResponseHead(this.#info, head);
    if (!isEstablished(head, done, this.#connection?.protocol ?? 'HTTP/1.1')) {
      this.#refuse(`tunnel_response:${head.status}`);
      return;
    }
    this.#established = true;
    this.#owner.onConnected(this);
  }

  #refuse(failure: string): void {
    this.#end();
    this.#connection?.destroy();
    this.#owner.onConnectFailed(failure, 'remote');
  }

  onInterim(): void {
    // What was asked for is still to come.
  }

  onTrailers(trailers: HeaderMap): void {
    if (this.#tunneling.keepTrailers) keepResponseTrailers(this.#info, trailers);
  }

  onTunnel(bytes: Buffer, start: number, stop: number): void {
    this.#receive(bytes, start, stop, stop === start);
  }

  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    this.#receive(bytes, start, stop, done);
  }

  #receive(bytes: Buffer, start: number, stop: number, done: boolean): void {
    if (this.#over) return;
    if (stop > start) this.#owner.onUpstreamBytes(bytes.subarray(start, stop), stop - start);
    if (!done || this.#over) return;
    if (this.#halfCloses) {
      this.#endOfHost();
      return;
    }
    this.#end();
    this.#connection?.destroy();
    this.#owner.onTunnelEnded(false);
  }

  #endOfHost(): void {
    this.#hostEnded = true;
    if (this.#connection?.requestSent) this.#leave(this.#connection);
    this.#owner.onUpstreamEnd();
  }

  /** Both sides have ended; what is written goes out. */
  #leave(connection: UpstreamExchange): void {
    this.#end();
    connection.endAndClose(FLUSH_MS);
  }

  onReadEnd(): void {
    // What was read is handed over piece by piece.
  }

  onReset(reason: ResetReason): void {
    if (this.#over) return;
    this.#end();
    if (this.#established) this.#owner.onTunnelEnded(this.#halfCloses && reason !== 'connection termination');
    else this.#owner.onConnectFailed('', 'remote');
  }

  onWritable(): void {
    if (!this.#over) this.#owner.onUpstreamWritable();
  }

  write(bytes: Buffer, length: number): void {
    const connection = this.#connection;
    if (connection && !this.#over) connection.sendBody(bytes, 0, length, false, undefined);
  }

  /** The client has ended its side: HTTP/1.1 has no other way to say so than to close the connection. */
  end(): void {
    const connection = this.#connection;
    if (!connection || this.#over) return;
    if (this.#halfCloses) {
      connection.sendBody(NOTHING, 0, 0, true, undefined);
      if (this.#hostEnded) this.#leave(connection);
      return;
    }
    this.#end();
    if (this.switching === 'none') connection.sendBody(NOTHING, 0, 0, true, undefined);
    connection.endAndClose(FLUSH_MS);
    this.#owner.onTunnelEnded(false);
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  destroy(): void {
    if (this.#over) return;
    this.#end();
    if (this.#connection) this.#connection.destroy();
    else {
      this.#pool.cancel(this);
      this.#pool.cluster.stats.rqCancelled++;
    }
  }
}
