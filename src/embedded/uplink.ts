import type { Logger } from '../base/index.ts';
import { openNftables } from '../sys/index.ts';
import type { ClusterHome } from './home.ts';
import { masqueradeOnHost } from './uplink-masquerade.ts';
import type { UplinkPlan, UplinkSubnet } from './uplink-plan.ts';
import { keepUplinkProgram } from './uplink-program.ts';
import { fabricRules } from './uplink-rules.ts';
import { type UplinkStatus, uplinkLogFile, writeUplinkStatus } from './uplink-status.ts';

export interface UplinkOptions {
  readonly plan: UplinkPlan;
  readonly home: ClusterHome;
  readonly log: Logger;
  /** Gets the resolvers for names outside the cluster, none while there is no uplink. */
  readonly onResolvers: (resolvers: readonly string[]) => void;
}

/**
 * Brings the planned way out up beside everything else; nothing waits for it. It never fails the cluster: what goes wrong is a line
 * in the log and in the status file, and pods then reach what is in the cluster only.
 */
export function startUplink({ plan, home, log, onResolvers }: UplinkOptions): { stop(): Promise<void> } {
  const tell = (status: UplinkStatus): void => {
    const kept = writeUplinkStatus(home, status);
    if (kept !== undefined) log.warn(kept);
    const line = `uplink ${status.state}: ${status.detail}`;
    if (status.state === 'down') log.warn(line);
    else log.info(line);
  };
  if (plan.via === 'none') {
    tell({ state: 'none', detail: plan.reason });
    return noUplink;
  }
  const isUp = (): void => {
    onResolvers(plan.resolvers);
    tell({ state: 'up', detail: [`${plan.via}, ${plan.subnet.cidr}`, ...plan.warnings].join('; ') });
  };
  const isDown = (reason: string): void => {
    onResolvers([]);
    tell({ state: 'down', detail: `${plan.via}: ${reason}` });
  };
  writeUplinkStatus(home, { state: 'starting', detail: plan.via });
  // Without its rules the fabric would let the outside in, so they come first and there is no uplink without them.
  const refused = applyFabricRules(plan.subnet);
  if (refused !== undefined) {
    isDown(`nftables in the fabric: ${refused}`);
    return noUplink;
  }
  return plan.via === 'masquerade' ? startMasquerade(plan.subnet, isUp, isDown) : startProgram(home, isUp, isDown);
}

const noUplink = { stop: () => Promise.resolve() };

function startProgram(
  home: ClusterHome,
  isUp: () => void,
  isDown: (reason: string) => void,
): { stop(): Promise<void> } {
  try {
    const program = keepUplinkProgram(uplinkLogFile(home), { onUp: isUp, onDown: isDown });
    return { stop: async () => program.stop() };
  } catch (error) {
    isDown(messageOf(error));
    return noUplink;
  }
}

function startMasquerade(
  subnet: UplinkSubnet,
  isUp: () => void,
  isDown: (reason: string) => void,
): { stop(): Promise<void> } {
  let stopped = false;
  const linked = masqueradeOnHost(subnet).then(
    (link) => {
      if (!stopped) isUp();
      return link;
    },
    (error: unknown) => {
      if (!stopped) isDown(messageOf(error));
      return undefined;
    },
  );
  return {
    async stop() {
      stopped = true;
      await (await linked)?.close();
    },
  };
}

function applyFabricRules(subnet: UplinkSubnet): string | undefined {
  const nftables = openNftables();
  if (!nftables) return 'libnftables.so.1 (package libnftables1) is not on this machine';
  const refused = nftables.run(fabricRules(subnet))?.trim();
  nftables.close();
  return refused;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
