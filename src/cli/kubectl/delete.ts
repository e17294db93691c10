import { setTimeout as wait } from 'node:timers/promises';
import type { ApiError } from '../../kube/index.ts';
import { formatApiError } from '../../kube/index.ts';
import { nameOf, namespaceOf } from './apply.ts';
import { Failure, need } from './failure.ts';
import { discover, type Kind, kindOfManifest, pathOf } from './kinds.ts';
import { readManifests } from './manifests.ts';
import type { Session } from './session.ts';
import { parseTargets } from './targets.ts';

export interface DeleteOptions {
  readonly filename?: readonly string[];
  readonly all?: boolean;
  readonly selector?: string;
  readonly ignoreNotFound?: boolean;
  readonly gracePeriod?: string;
  readonly cascade: string;
  readonly wait: boolean;
  readonly timeout?: string;
}

interface Victim {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string;
}

interface Identified {
  readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly uid?: string };
}

const policies: Readonly<Record<string, 'Background' | 'Foreground' | 'Orphan'>> = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
};

/** Deletes objects and, unless told otherwise, waits until they are gone. */
export async function remove(session: Session, args: readonly string[], options: DeleteOptions): Promise<void> {
  const propagationPolicy = policies[options.cascade];
  if (!propagationPolicy)
    throw new Failure(`error: --cascade=${options.cascade} is unknown; allowed: ${Object.keys(policies).join(', ')}`);
  const deadline = performance.now() + secondsOf(options.timeout ?? '0s', '--timeout') * 1000;
  const gracePeriodSeconds = options.gracePeriod === undefined ? undefined : Number(options.gracePeriod);
  if (gracePeriodSeconds !== undefined && !Number.isSafeInteger(gracePeriodSeconds))
    throw new Failure('error: --grace-period is a number of seconds');
  const failures: string[] = [];
  const deleted: (Victim & { readonly uid: string | undefined })[] = [];
  for (const victim of await findVictims(session, args, options)) {
    const { kind, namespace, name } = victim;
    const answer = await session.client.delete(pathOf(kind, namespace, name), {
      propagationPolicy,
      gracePeriodSeconds,
    });
    if (!answer.ok) {
      if (!(answer.error.code === 404 && options.ignoreNotFound)) failures.push(formatApiError(answer.error));
      continue;
    }
    const where = kind.namespaced && namespace !== undefined ? ` from ${namespace} namespace` : '';
    session.io.stdout.write(`${kind.singular}${kind.group === '' ? '' : `.${kind.group}`} "${name}" deleted${where}\n`);
    deleted.push({ ...victim, uid: uidOf(answer.value) });
  }
  if (options.wait)
    for (const victim of deleted)
      await untilGone(session, victim, options.timeout === undefined ? Number.POSITIVE_INFINITY : deadline);
  if (failures.length > 0) throw new Failure(failures.join('\n'));
}

async function findVictims(session: Session, args: readonly string[], options: DeleteOptions): Promise<Victim[]> {
  const kinds = await discover(session.client);
  if (options.filename) {
    const manifests = await readManifests(session.io, options.filename);
    return manifests.map((manifest) => {
      const kind = kindOfManifest(kinds, manifest.apiVersion, manifest.kind);
      return { kind, name: nameOf(manifest), namespace: kind.namespaced ? namespaceOf(manifest, session) : undefined };
    });
  }
  const victims: Victim[] = [];
  for (const { kind, names } of parseTargets(kinds, args)) {
    const namespace = kind.namespaced ? session.namespace : undefined;
    if (names.length > 0) victims.push(...names.map((name) => ({ kind, namespace, name })));
    else if (options.all || options.selector !== undefined) {
      const listed = need(
        await session.client.list<Identified>(pathOf(kind, namespace), { labelSelector: options.selector }),
      );
      victims.push(...listed.items.map(({ metadata }) => ({ kind, namespace, name: metadata?.name ?? '' })));
    } else throw new Failure('error: resource(s) were provided, but no name was specified');
  }
  return victims;
}

/** The uid in what a DELETE answers: of the object, or in the details of a Status. */
function uidOf(answer: unknown): string | undefined {
  const { metadata, details } = (answer ?? {}) as { metadata?: { uid?: string }; details?: { uid?: string } };
  return metadata?.uid ?? details?.uid;
}

async function untilGone(
  { client }: Session,
  { kind, namespace, name, uid }: Victim & { readonly uid: string | undefined },
  deadline: number,
): Promise<void> {
  for (let pauseMs = 10; ; pauseMs = Math.min(500, pauseMs * 2)) {
    const answer = await client.get<Identified>(pathOf(kind, namespace, name));
    if (!answer.ok && answer.error.code === 404) return;
    if (answer.ok && uid !== undefined && answer.value.metadata?.uid !== uid) return;
    if (!answer.ok && isLasting(answer.error)) throw new Failure(formatApiError(answer.error));
    if (performance.now() > deadline)
      throw new Failure(`error: timed out waiting for ${kind.singular} "${name}" to be deleted`);
    await wait(pauseMs);
  }
}

function isLasting({ code }: ApiError): boolean {
  return code < 500;
}

/** `30s`, `5m`, `1h`, or plain seconds. */
export function secondsOf(text: string, option: string): number {
  const match = /^(\d+)(s|m|h)?$/.exec(text);
  if (!match) throw new Failure(`error: ${option} "${text}" is no duration; allowed: 30s, 5m, 1h`);
  return Number(match[1]) * { s: 1, m: 60, h: 3600 }[(match[2] ?? 's') as 's' | 'm' | 'h'];
}
