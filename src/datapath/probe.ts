import { readFileSync } from 'node:fs';
import type { Issue } from '../base/index.ts';
import type { NftRunner } from './nft.ts';

/** What the ruleset needs of the kernel, each with the smallest table that uses it. */
const features: readonly { readonly name: string; readonly option: string; readonly body: string }[] = [
  { name: 'TPROXY', option: 'NFT_TPROXY', body: hook('filter', 'meta l4proto tcp tproxy ip to 127.0.0.1:1') },
  { name: 'socket matching', option: 'NFT_SOCKET', body: hook('filter', 'socket transparent 1 accept') },
  { name: 'connection tracking', option: 'NFT_CT', body: hook('filter', 'ct direction reply ct mark set 1') },
  { name: 'packet logs', option: 'NFT_LOG, NETFILTER_NETLINK_LOG', body: hook('filter', 'log group 42 snaplen 64') },
  { name: 'address translation', option: 'NFT_NAT', body: hook('nat', 'meta l4proto tcp dnat ip to 192.0.2.1:80') },
  { name: 'masquerading', option: 'NFT_MASQ', body: hook('nat', 'masquerade', 'postrouting') },
  { name: 'random choice', option: 'NFT_NUMGEN', body: hook('filter', 'ct mark set numgen random mod 2') },
  { name: 'refusals', option: 'NFT_REJECT_INET', body: hook('filter', 'reject') },
  { name: 'rate limits', option: 'NFT_LIMIT', body: hook('filter', 'limit rate 1/second accept') },
  { name: 'untracked packets', option: 'NFT_CT', body: hook('filter', 'notrack') },
  {
    name: 'interval sets of joined keys',
    option: 'NF_TABLES',
    body: 'set s { type ipv4_addr . inet_service; flags interval; }',
  },
];

function hook(type: 'filter' | 'nat', rule: string, at = 'prerouting'): string {
  const priority = type === 'nat' ? (at === 'prerouting' ? -100 : 100) : rule === 'notrack' ? -300 : 0;
  return `chain c { type ${type} hook ${at} priority ${priority}; policy accept;\n${rule}\n}`;
}

const table = 'inet ciliate_probe';
const settings = [
  { path: 'net.ipv4.ip_forward', allowed: '1' },
  { path: 'net.ipv4.conf.all.rp_filter', allowed: '0' },
];

/** Names what this kernel, this nft or this namespace lacks, one issue each; empty when the datapath can work. */
export async function probe(nft: NftRunner): Promise<Issue[]> {
  const issues = settings.flatMap(settingIssue);
  const all = features.map(({ body }, index) => probeTable(`${table}_${index}`, body)).join('');
  const together = await nft.run(all);
  if (together.ok) return issues;
  for (const { name, option, body } of features) {
    const done = await nft.run(probeTable(table, body));
    if (done.ok) continue;
    if (/permitted/i.test(done.error)) {
      return [
        ...issues,
        {
          path: 'nftables',
          message: `not permitted: ${done.error}`,
          allowed: 'root, or a user namespace of one’s own',
        },
      ];
    }
    issues.push({ path: `nftables: ${name}`, message: done.error, allowed: `a kernel with CONFIG_${option}` });
  }
  return issues;
}

function probeTable(name: string, body: string): string {
  return `add table ${name}\ndelete table ${name}\ntable ${name} {\n${body}\n}\ndelete table ${name}\n`;
}

function settingIssue({ path, allowed }: { path: string; allowed: string }): Issue[] {
  const value = readSetting(path);
  return value === undefined || value === allowed ? [] : [{ path: `sysctl ${path}`, message: `is ${value}`, allowed }];
}

function readSetting(path: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${path.replaceAll('.', '/')}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
