import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { CertificateAuthority, CertificateRequest, Logger } from '../base/index.ts';
import { keptCertificate, writeSecret } from '../cluster/apiserver/index.ts';
import type { Clock } from '../cluster/controllers/index.ts';
import { hubbleServerName } from '../hubble/index.ts';
import { clusterName } from './addons.ts';
import type { ClusterHome } from './home.ts';

/** Stands for the root of the relay's files. */
export function relayFiles(home: Pick<ClusterHome, 'state'>): string {
  return path.join(home.state, 'relay', 'files');
}

/** Stands for the root of a node's files. */
export function nodeFiles(home: Pick<ClusterHome, 'state'>, node: string): string {
  return path.join(home.state, 'agents', node, 'files');
}

export interface HubbleCertificateOptions {
  readonly home: Pick<ClusterHome, 'state'>;
  readonly authority: CertificateAuthority;
  readonly nodes: readonly string[];
  readonly clock: Clock;
  /** Of each certificate; a year without it. */
  readonly lifetimeMs?: number;
  readonly log: Logger;
}

const nodeFolder = 'var/lib/cilium/tls/hubble';
const relayFolder = 'var/lib/hubble-relay/tls';
const relayNames = ['*.hubble-relay.cilium.io'];

/**
 * Puts certificates of the cluster's authority, under the names that Cilium gives them, where the nodes and the relay look for them unless told otherwise, and
 * replaces each in good time until it is stopped, as Cilium's certgen does by a CronJob. Rejects when one cannot be had at the start; later that is logged and
 * tried again, and the one before stays.
 */
export async function keepHubbleCertificates(
  options: HubbleCertificateOptions,
): Promise<{ readonly stop: () => void }> {
  const { clock, log } = options;
  const wanted = wantedCertificates(options);
  const first = await keepAll(wanted, options);
  if (first.failures.length > 0) throw new Error(first.failures.join('; '));
  let stopped = false;
  let cancel = (): void => {};
  const look = async (): Promise<void> => {
    const { renewed, failures, renewalTimes } = await keepAll(wanted, options);
    if (renewed.length > 0) log.info({ certificates: renewed }, 'certificates of Hubble are renewed');
    if (failures.length > 0) log.error({ failures }, 'certificates of Hubble cannot be renewed');
    if (!stopped) lookAgain(failures.length > 0 ? retryMs : untilNextLookMs(clock.now(), renewalTimes));
  };
  const lookAgain = (ms: number): void => {
    cancel = clock.after(ms, () => void look());
  };
  lookAgain(untilNextLookMs(clock.now(), first.renewalTimes));
  return {
    stop: () => {
      stopped = true;
      cancel();
    },
  };
}

const retryMs = 60_000;
const leastMs = 1000;
const mostMs = 3_600_000;

/** How long until certificates are looked at again. At most an hour: timers stand still while a machine sleeps, and clocks are set. */
export function untilNextLookMs(nowMs: number, renewalTimes: readonly number[]): number {
  return Math.max(leastMs, Math.min(mostMs, ...renewalTimes.map((time) => time - nowMs)));
}

interface WantedCertificate {
  readonly directory: string;
  readonly name: string;
  readonly request: CertificateRequest;
}

function wantedCertificates({ home, authority, nodes }: HubbleCertificateOptions): readonly WantedCertificate[] {
  const relay = folder(relayFiles(home), relayFolder);
  writeSecret(path.join(relay, 'hubble-server-ca.crt'), authority.certificate);
  const wanted = (directory: string, usage: 'client' | 'server', names: readonly string[]): WantedCertificate => ({
    directory,
    name: usage,
    request: { commonName: names[0] ?? '', usage, dnsNames: names },
  });
  return [
    wanted(relay, 'client', relayNames),
    wanted(relay, 'server', relayNames),
    ...nodes.map((node) => {
      const directory = folder(nodeFiles(home, node), nodeFolder);
      writeSecret(path.join(directory, 'client-ca.crt'), authority.certificate);
      return wanted(directory, 'server', [hubbleServerName(`${clusterName}/${node}`)]);
    }),
  ];
}

function folder(root: string, inside: string): string {
  const directory = path.join(root, inside);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

interface Kept {
  /** Files of what was issued. */
  readonly renewed: readonly string[];
  readonly failures: readonly string[];
  /** Milliseconds since 1970, of each certificate that is there. */
  readonly renewalTimes: readonly number[];
}

/** One that fails keeps none of the others back. */
async function keepAll(
  wanted: readonly WantedCertificate[],
  { authority, clock, lifetimeMs }: HubbleCertificateOptions,
): Promise<Kept> {
  const terms = { nowMs: clock.now(), ...(lifetimeMs !== undefined && { lifetimeMs }) };
  const renewed: string[] = [];
  const failures: string[] = [];
  const renewalTimes: number[] = [];
  await Promise.all(
    wanted.map(async ({ directory, name, request }) => {
      const file = path.join(directory, `${name}.crt`);
      try {
        const kept = await keptCertificate(authority, directory, name, request, terms);
        renewalTimes.push(kept.renewAtMs);
        if (kept.renewed) renewed.push(file);
      } catch (error) {
        failures.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }),
  );
  return { renewed, failures, renewalTimes };
}
