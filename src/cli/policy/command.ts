import { fail, formatIssue, ok, type Result } from '../../base/index.ts';
import {
  type Cluster,
  clusterOfManifests,
  type Explanation,
  explain,
  type Follow,
  standInDns,
} from '../../plan/index.ts';
import type { CommandIo } from '../io.ts';
import { type Manifest, parseManifests, readSources } from '../manifests.ts';
import { liveCluster } from './live-cluster.ts';
import { explanationJson, explanationText, type PositionOf } from './print.ts';
import { type Options, readDestination, readOptions, readPod } from './question.ts';

const usage = `Usage: ciliate policy explain --from POD --to POD|SERVICE|NAME|ADDRESS [--port N[/PROTOCOL]]
                              [--http 'GET /path'] [--header 'NAME: VALUE'] [--sni NAME] [-f FILE|DIR ...] [-o json]

Says whether traffic is allowed, at which step it is not, and which rules decide. The nodes' own planner is asked, and the
data plane's own routes where a CiliumEnvoyConfig takes the Service over or a rule names one of its listeners.
Of the running cluster on this machine the nodes tell what they have learnt from DNS.

      --from        [NAMESPACE/]POD; the name of a workload stands for one of its pods
      --to          [pod/|service/][NAMESPACE/]NAME, a DNS name, or an IP address
  -p, --port        a number or a name, TCP unless it says 53/UDP, 80/SCTP or 8/ICMP (the message's type)
      --http        a request, to be judged by Layer-7 rules
  -H, --header      a header of that request; may be repeated
      --sni         the server name that a TLS client asks for; a DNS name in --to is the default
  -f, --filename    manifests (file, folder or -) instead of the running cluster; may be repeated
  -n, --namespace   of what is named without one
      --kubeconfig  as for kubectl
  -o, --output      json

Exit code: 0 allowed, 2 denied, 1 error.
`;

/** `ciliate policy`. */
export async function policyCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const [verb, ...rest] = argv;
  if (verb === undefined || verb === '--help' || verb === '-h') {
    io.stdout.write(usage);
    return verb === undefined ? 1 : 0;
  }
  const options = verb === 'explain' ? readOptions(rest) : fail(`unknown command "${verb}"; known: explain`);
  if (!options.ok) {
    io.stderr.write(`ciliate policy: ${options.error}\n\n${usage}`);
    return 1;
  }
  if (options.value.help) {
    io.stdout.write(usage);
    return 0;
  }
  const done = await explainTo(options.value, io);
  if (done.ok) return done.value ? 0 : 2;
  io.stderr.write(`ciliate policy explain: ${done.error}\n`);
  return 1;
}

/** Prints the answer; the value says whether the traffic is allowed. */
async function explainTo(options: Options, io: CommandIo): Promise<Result<boolean, string>> {
  const read = options.files.length > 0 ? await fromFiles(options, io) : await fromCluster(options, io);
  if (!read.ok) return read;
  const { cluster, namespace, positionOf } = read.value;
  const from = readPod(options.from, namespace);
  if (!from.ok) return from;
  const to = readDestination(options.to, namespace, cluster);
  if (!to.ok) return to;
  const answer = explain(cluster, { ...options.rest, from: from.value, to: to.value }, await followFor(cluster));
  if (!answer.ok) return answer;
  const explanation = to.value.kind === 'name' ? withNotes(answer.value, read.value.notesOnNames) : answer.value;
  const { http } = options.rest;
  const request = http ? `${http.method} ${http.path}` : '';
  io.stdout.write(
    options.json ? explanationJson(explanation, positionOf) : explanationText(explanation, positionOf, request),
  );
  return ok(answer.value.allowed);
}

/** The data plane's own routing, loaded where an Envoy configuration may need it. */
async function followFor({ envoyConfigs }: Cluster): Promise<Follow | undefined> {
  return envoyConfigs.length > 0 ? (await import('../../proxy/index.ts')).followRequest : undefined;
}

function withNotes(explanation: Explanation, notes: readonly string[]): Explanation {
  return { ...explanation, warnings: [...explanation.warnings, ...notes] };
}

interface Read {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly positionOf: PositionOf;
  /** What limits answers about DNS names. */
  readonly notesOnNames: readonly string[];
}

async function fromCluster({ kubeconfig, namespace }: Options, io: CommandIo): Promise<Result<Read, string>> {
  const live = await liveCluster(kubeconfig, io.environment);
  if (!live.ok) return live;
  const { cluster, namespace: own } = live.value;
  return ok({ cluster, namespace: namespace ?? own, positionOf: () => undefined, notesOnNames: [] });
}

async function fromFiles({ files, namespace = 'default' }: Options, io: CommandIo): Promise<Result<Read, string>> {
  const manifests: Manifest[] = [];
  try {
    for (const file of files) {
      for (const source of await readSources(file, io.stdin)) {
        const parsed = parseManifests(source);
        const [issue] = parsed.issues;
        if (issue) return fail(formatIssue(issue));
        manifests.push(...parsed.manifests);
      }
    }
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
  const places = new Map(manifests.map((manifest) => [keyOf(manifest.object, namespace), manifest.locate]));
  return ok({
    cluster: clusterOfManifests(
      manifests.map(({ object }) => object),
      namespace,
    ),
    namespace,
    notesOnNames: places.has(`Service/${standInDns}`)
      ? []
      : [`no manifest brings the Service ${standInDns}: one with pods labelled k8s-app=kube-dns stands for it`],
    positionOf: (rule) => places.get(`${rule.kind}/${rule.namespace ?? ''}/${rule.name}`)?.(rule.path),
  });
}

function keyOf(object: unknown, namespace: string): string {
  const { kind, metadata } = (object ?? {}) as {
    readonly kind?: unknown;
    readonly metadata?: { readonly namespace?: unknown; readonly name?: unknown } | null;
  };
  const owner = String(kind).startsWith('CiliumClusterwide') ? '' : (metadata?.namespace ?? namespace);
  return `${String(kind)}/${String(owner)}/${String(metadata?.name)}`;
}
