import type { StreamInfo } from '../http/stream-info.ts';
import { Deadline } from '../time/deadline.ts';
import type { TcpLogs } from './tcp-proxy.ts';

/** Entries of the access logs about one TCP connection, at the moments that the configuration asks for. */
export class ConnectionLog {
  readonly #logs: TcpLogs;
  readonly #info: StreamInfo;
  readonly #next = new Deadline(() => this.#periodic());

  constructor(logs: TcpLogs, info: StreamInfo) {
    this.#logs = logs;
    this.#info = info;
  }

  begin(): void {
    if (this.#logs.onStart) this.#write('TcpConnectionStart');
    this.#next.start(this.#logs.interval);
  }

  connected(): void {
    if (this.#logs.onConnected) this.#write('TcpUpstreamConnected');
  }

  end(): void {
    this.#next.stop();
    this.#write('TcpConnectionEnd');
  }

  #periodic(): void {
    this.#write('TcpPeriodic');
    this.#next.start(this.#logs.interval);
  }

  #write(type: StreamInfo['accessLogType']): void {
    this.#info.accessLogType = type;
    for (const log of this.#logs.all) log(this.#info);
  }
}
