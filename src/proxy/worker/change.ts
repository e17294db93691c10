import type { Address } from '../config/address.ts';
import type { JsonObject } from '../config/fields.ts';

/** One step of configuration. Every worker takes the same steps in the same order. */
export type Change =
  | {
      readonly kind: ResourceKind;
      readonly json: JsonObject;
      /** From the bootstrap: not to be replaced or removed. */
      readonly fixed?: boolean;
      /** Version of the response it came with; empty for what is static. */
      readonly version?: string;
      /** Why it cannot be put into force, where that is known before. */
      readonly fault?: string;
      /** Of a listener: its sockets as the first worker has them, for the other workers. */
      readonly sockets?: readonly OpenSocket[];
      /** Of a cluster: where all workers count what they use of it, for the other workers. */
      readonly memory?: SharedArrayBuffer;
    }
  | { readonly kind: 'remove'; readonly of: ResourceKind; readonly name: string };

/** An address that is bound. */
export interface OpenSocket {
  readonly address: Address;
  /** A descriptor of the socket itself, for the worker to own, where workers share it instead of having one each. */
  readonly fd?: number;
}

export type ResourceKind = 'cluster' | 'endpoints' | 'listener' | 'route' | 'filter' | 'secret';

/** What a change is about; later changes of the same key replace earlier ones. */
export function keyOf(change: Change): string {
  return `${change.kind === 'remove' ? change.of : change.kind} ${nameOf(change)}`;
}

/** The name of the resource. */
export function nameOf(change: Change): string {
  if (change.kind === 'remove') return change.name;
  return String(change.json[change.kind === 'endpoints' ? 'cluster_name' : 'name'] ?? '');
}

/** The change that takes `change` back, when `before` was in force. */
export function inverseOf(change: Change, before: Change | undefined): Change | undefined {
  if (before) return before;
  if (change.kind === 'remove') return undefined;
  const [, name = ''] = /^\S+ (.*)$/.exec(keyOf(change)) ?? [];
  return { kind: 'remove', of: change.kind, name };
}
