import type { CommandLine } from '../command/line.ts';
import type { ShownBootstrap } from '../config/bootstrap.ts';
import type { Logs } from '../log/logs.ts';
import type { HotRestart } from '../restart/restart.ts';
import type { DrainControl } from '../server/drain.ts';
import type { ConfigRecords } from '../server/records.ts';
import type { ServerState } from '../server/state.ts';
import type { Workers } from '../worker/group.ts';

/** What the admin interface shows and changes. */
export interface AdminSubject {
  readonly workers: Workers;
  readonly config: ShownBootstrap;
  readonly records: ConfigRecords;
  readonly state: ServerState;
  readonly logs: Logs;
  readonly drain: DrainControl;
  readonly commandLine: CommandLine | undefined;
  /** Undefined: nobody takes over. */
  readonly restart: HotRestart | undefined;
  /** Ends the process. */
  readonly quit: () => void;
}

export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** One path of the admin interface. */
export interface Endpoint {
  readonly path: string;
  readonly help: string;
  /** Parameters and what they mean, as `/help` prints them. */
  readonly parameters?: readonly (readonly [string, string])[];
  /** It changes something and wants a POST. */
  readonly mutates?: boolean;
  readonly answer: (query: URLSearchParams, subject: AdminSubject) => Page | Promise<Page>;
}

export const text = (body: string, status = 200): Page => ({ status, type: 'text/plain; charset=UTF-8', body });
export const OK = text('OK\n');

/** JSON with an indent of one, as Envoy prints its messages. */
export const json = (value: unknown): Page => ({
  status: 200,
  type: 'application/json',
  body: `${JSON.stringify(value, null, 1)}\n`,
});

export const compactJson = (value: unknown): Page => ({
  status: 200,
  type: 'application/json',
  body: JSON.stringify(value),
});
