import type { Host } from '../host.ts';
import { type BalancerEnvironment, type LoadBalancer, random32 } from './balancer.ts';
import { Edf } from './edf.ts';
import type { LeastRequestPolicy, RoundRobinPolicy } from './policy.ts';
import { SlowStartWindow } from './slow-start.ts';
import { type Source, SourceBalancer, type SourcePolicy } from './sources.ts';

/** Round robin: by turns while all weights are the same, else by earliest deadline. */
export function createRoundRobin(policy: RoundRobinPolicy, environment: BalancerEnvironment): LoadBalancer {
  return createWeighted(policy, environment, (host) => host.weight, nextInTurn);
}

/** Least request: the least loaded of some random hosts or of all; with different weights by earliest deadline, load counted into the weight. */
export function createLeastRequest(policy: LeastRequestPolicy, environment: BalancerEnvironment): LoadBalancer {
  const { bias, choices, fullScan } = policy;
  const weightOf = (host: Host): number => {
    if (bias === 1) return host.weight / (host.activeRequests + 1);
    return bias === 0 ? host.weight : host.weight / (host.activeRequests + 1) ** bias;
  };
  const pick = fullScan
    ? ({ hosts }: Source) => leastOfAll(hosts, environment.random)
    : ({ hosts }: Source) => leastOfSome(hosts, choices, environment.random);
  return createWeighted(policy, environment, weightOf, pick);
}

function createWeighted(
  { slowStart, locality }: RoundRobinPolicy | LeastRequestPolicy,
  environment: BalancerEnvironment,
  plainWeight: (host: Host) => number,
  pickEqual: (source: Source) => Host | undefined,
): LoadBalancer {
  const seed = random32(environment);
  const window = slowStart && new SlowStartWindow(slowStart, environment.now);
  const weightOf = window
    ? (host: Host): number => (window.active ? plainWeight(host) * window.factor(host) : plainWeight(host))
    : plainWeight;
  const policy: SourcePolicy = {
    refresh: (source) => {
      const { hosts } = source;
      window?.note(hosts);
      const equal = hosts.every((host) => host.weight === hosts[0]?.weight) && window?.active !== true;
      source.edf = equal || hosts.length <= 1 ? undefined : new Edf(hosts, weightOf, seed);
    },
    pick: (source) => (source.edf ? source.edf.pick(weightOf) : pickEqual(source)),
  };
  return new SourceBalancer({ locality, environment, seed, policy, eager: window !== undefined });
}

function nextInTurn(source: Source): Host | undefined {
  return source.hosts[source.next++ % source.hosts.length];
}

function leastOfSome(hosts: readonly Host[], choices: number, random: () => number): Host | undefined {
  let best: Host | undefined;
  for (let choice = 0; choice < choices; choice++) {
    const host = hosts[Math.floor(random() * hosts.length)];
    if (!best || (host && host.activeRequests < best.activeRequests)) best = host;
  }
  return best;
}

/** The least loaded host, any of those that are equally so with the same probability. */
function leastOfAll(hosts: readonly Host[], random: () => number): Host | undefined {
  let best: Host | undefined;
  let tied = 0;
  for (const host of hosts) {
    if (!best || host.activeRequests < best.activeRequests) {
      best = host;
      tied = 1;
    } else if (host.activeRequests === best.activeRequests && random() * ++tied < 1) best = host;
  }
  return best;
}
