import type { Readable, Writable } from 'node:stream';

/** Names one container of a pod. */
export interface ContainerReference {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  readonly sinceSeconds?: number;
}

/** A process started in a running container. */
export interface ExecSession {
  /** Present when asked for; with a terminal it is the keyboard. */
  readonly stdin?: Writable;
  /** With a terminal everything arrives here. */
  readonly stdout: Readable;
  readonly stderr?: Readable;
  resize(columns: number, rows: number): void;
  /** Ends the process when the client goes away. */
  kill(): void;
  /** Resolves when the process has ended and its output is flushed. */
  readonly exited: Promise<{ readonly exitCode: number } | { readonly error: string }>;
}

/** What the API server asks of the nodes (the kubelet's side of exec, logs and port-forward). Unknown containers reject with an Error whose text is for the user. */
export interface NodeRuntime {
  logs(container: ContainerReference, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array>;
  exec(
    container: ContainerReference,
    command: readonly string[],
    options: { readonly stdin: boolean; readonly tty: boolean },
  ): Promise<ExecSession>;
  /** A connection to a port inside the pod's network namespace. */
  connect(pod: { readonly namespace: string; readonly pod: string }, port: number): Promise<import('node:net').Socket>;
}
