import type { UplinkPlan } from './uplink-plan.ts';

/** Name of the fabric's end of the uplink. */
export const uplinkInterface = 'uplink0';

/** Inside the cluster's `/run`: a line in the first starts the helper, which writes its exit code to the second when it ends. */
export const helperPipes = { start: '/run/ciliate/uplink-start', ended: '/run/ciliate/uplink-ended' } as const;

/** Descriptor on which the cluster process gets the host's network namespace, only where the uplink is by masquerading. */
export const hostNetworkDescriptor = 7;

/** The fabric's namespace under a name that the AppArmor profile of pasta lets it open. */
const fabricNetwork = '/run/user/0/netns/fabric';

/**
 * Shell lines for the first process of the cluster while it is still in the host's network namespace, to be followed by the step
 * into the fabric's. A helper started here is in the cluster's pid namespace and so ends when the cluster ends, however it ends.
 */
export function beforeFabric(plan: UplinkPlan, logFile: string): string {
  if (plan.via === 'none') return '';
  if (plan.via === 'masquerade') return `exec ${hostNetworkDescriptor}</proc/self/ns/net`;
  const command = helperCommand(plan).map(quote).join(' ');
  return `
mkdir -p ${fabricNetwork.replace(/\/[^/]*$/, '')} && touch ${fabricNetwork} && mkfifo ${helperPipes.start} ${helperPipes.ended} || exit 1
(
trap '' TERM INT HUP
while read -r line; do
${command} </dev/null >${quote(logFile)} 2>&1 7>&-
echo $? >&7
done
) <>${helperPipes.start} 7<>${helperPipes.ended} 3>&- 4>&- 5>&- &`;
}

/** Shell lines for the same process once it is in the fabric's namespace. */
export function inFabric(plan: UplinkPlan): string {
  return plan.via === 'pasta' || plan.via === 'slirp4netns'
    ? `mount --bind /proc/self/ns/net ${fabricNetwork} || exit 1`
    : '';
}

/** No port leads in, and neither the gateway's nor any other address leads to the host's loopback. */
function helperCommand({ via, program, subnet }: Extract<UplinkPlan, { readonly program: string }>): readonly string[] {
  if (via === 'slirp4netns') {
    const closed = ['--disable-host-loopback', '--disable-dns', '--enable-sandbox', '--enable-seccomp'];
    const link = ['--configure', `--cidr=${subnet.cidr}`, '--netns-type=path'];
    return [program, ...link, ...closed, fabricNetwork, uplinkInterface];
  }
  // Root of these namespaces: without it pasta changes to nobody, who may not enter the fabric.
  const identity = ['--runas', '0:0', '--netns-only', '--netns', fabricNetwork];
  const closed = ['--no-map-gw', '-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none'];
  const link = ['--config-net', '--ns-ifname', uplinkInterface, '-a', subnet.fabric, '-n', '24', '-g', subnet.gateway];
  return [program, '--foreground', '--quiet', '--ipv4-only', ...identity, ...link, ...closed];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
