import { createPrinter, type HubbleClient } from '../hubble/index.ts';
import type { CommandResult, Edges } from './edges.ts';
import { flowRequirements, inTimeOrder, matchFlows } from './flow-match.ts';
import { type FlowRecorder, recordFlows } from './flow-recorder.ts';
import type { Action, Expectation, SourcePorts } from './model.ts';

/** What came of an action; `log` is printed when it failed or when everything is asked for. */
export interface ActionResult {
  readonly ok: boolean;
  readonly log: string;
  /** Why it failed, one line. */
  readonly reason?: string;
}

export interface ActionOptions {
  /** Print the flows also when they are as expected. */
  readonly printFlows: boolean;
  readonly sourcePorts: SourcePorts;
}

interface Ways {
  /** Absent: flows are not looked at. */
  readonly hubble: HubbleClient | undefined;
  readonly edges: Edges;
}

const execTimeoutMs = 30_000;
const flowsTimeoutMs = 10_000;
const flowsPollMs = 100;

/** curl's exit codes for what can be expected: success, a status of 400 or more, no connection in time, no TLS session. */
const exitCodes = { ok: 0, dropped: 28, denied: 22, 'http-error': 22, 'tls-error': 35 } as const;

/**
 * The command of an action. The source port tells its flows from those of connections that earlier actions left behind.
 * It checks no certificates but those of this run: that of the stand-in for the outside world is signed by the cluster's own authority.
 * What is to be dropped is given up after one second, which the first packet of a connection needs none of.
 */
export function commandOf(action: Action, { result }: Expectation, { first, last }: SourcePorts): string[] {
  if (action.kind === 'ping') return ['ping', '-c', '1', '-W', result === 'ok' ? '2' : '1', action.address];
  const connectTimeout = result === 'dropped' && action.resolves === undefined ? '1' : '2';
  return [
    'curl',
    '-w',
    '%{local_ip}:%{local_port} -> %{remote_ip}:%{remote_port} = %{response_code}\\n',
    '--silent',
    '--fail',
    '--show-error',
    ...(action.authorities === undefined ? ['--insecure'] : ['--cacert', action.authorities]),
    ...(action.retries === undefined ? [] : ['--retry', String(action.retries), '--retry-all-errors']),
    '--local-port',
    `${first}-${last}`,
    '--connect-timeout',
    connectTimeout,
    '--max-time',
    '10',
    '--output',
    '/dev/null',
    '--request',
    action.method,
    ...action.headers.flatMap((header) => ['--header', header]),
    action.url,
  ];
}

/** Runs the command and compares exit code and, with Hubble, flows. */
export async function runAction(
  { edges, hubble }: Ways,
  action: Action,
  expectation: Expectation,
  options: ActionOptions,
): Promise<ActionResult> {
  const startedNs = BigInt(Date.now()) * 1_000_000n;
  const recorder = hubble && recordFlows(hubble, action.source, startedNs);
  try {
    const command = commandOf(action, expectation, options.sourcePorts);
    const result = await edges.exec(action.source, command, execTimeoutMs);
    const fault = exitFault(action, expectation, result);
    if (fault !== undefined) {
      return { ok: false, reason: fault, log: `  ❌ command "${command.join(' ')}" ${fault}\n${indented(result)}` };
    }
    return recorder ? await validateFlows(edges, recorder, action, expectation, options) : { ok: true, log: '' };
  } finally {
    recorder?.close();
  }
}

/** Why the exit code is not what was expected. */
export function exitFault(
  action: Action,
  { result: expected }: Expectation,
  { exitCode, stderr }: CommandResult,
): string | undefined {
  const said = stderr.trim() === '' ? '' : `: ${stderr.trim().split('\n').at(-1)}`;
  if (expected === 'ok') {
    return exitCode === 0 ? undefined : `failed: command terminated with exit code ${exitCode}${said}`;
  }
  if (exitCode === 0) return 'succeeded while it should have failed';
  if (action.kind === 'ping') return undefined;
  const wanted = exitCodes[expected];
  return exitCode === wanted ? undefined : `terminated with exit code ${exitCode} instead of ${wanted}${said}`;
}

function indented({ stdout, stderr }: CommandResult): string {
  return `${stdout}${stderr}`
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => `     ${line}\n`)
    .join('');
}

async function validateFlows(
  edges: Edges,
  recorder: FlowRecorder,
  action: Action,
  expectation: Expectation,
  options: ActionOptions,
): Promise<ActionResult> {
  const requirements = flowRequirements(action, expectation, options.sourcePorts);
  const deadline = edges.now() + flowsTimeoutMs;
  for (;;) {
    const flows = inTimeOrder(recorder.flows());
    const results = requirements.map((requirement) => ({ requirement, ...matchFlows(requirement, flows) }));
    const matched = results.every((result) => result.matched);
    if (!matched && edges.now() < deadline && !edges.signal.aborted) {
      await edges.sleep(flowsPollMs);
      continue;
    }
    const printer = createPrinter({ output: 'compact' });
    const lines = flows.map((flow, index) => `     ${index}: ${printer.print({ flow }).out}`).join('');
    const findings = results
      .map(
        ({ requirement, findings: found }) =>
          `  📄 Validating ${requirement.name} flows\n${found.map((text) => `     ${text}\n`).join('')}`,
      )
      .join('');
    const log = `${findings}${!matched || options.printFlows ? lines : ''}`;
    if (matched) return { ok: true, log };
    const missing = results.flatMap(({ findings: found }) => found).filter((text) => text.startsWith('❌'));
    return { ok: false, log, reason: `flows: ${missing.map((text) => text.slice(2)).join(', ')}` };
  }
}
