/** Arguments after `observe --input-file flows.jsonl` whose whole output has to be the stock command's. */
export const printed: readonly string[] = [
  '',
  '-o compact --print-node-name --print-policy-names',
  '-o dict --print-policy-names',
  '-o dict --print-node-name --color always --print-policy-names',
  '-o table',
  '-o table --print-node-name',
  '-o json',
  '-o jsonpb',
  '--color always --print-policy-names',
  '--numeric',
  '--ip-translation=false',
  ...['StampMilli', 'YearMonthDay', 'YearMonthDayHour', 'YearMonthDayHourMinute', 'RFC3339'].map(format),
  ...['RFC3339Milli', 'RFC3339Micro', 'RFC3339Nano', 'RFC1123Z', 'rfc3339nano'].map(format),
];

function format(name: string): string {
  return `--last 2 --verdict FORWARDED --time-format ${name}`;
}

/** Arguments of which the flows that are left count, told by their `uuid`. */
export const selected: readonly string[] = [
  ...['--first 3', '--last 3', '--all', '--last 0', '--since 2026-03-02', '--until 2026-03-02T04:05:06.006Z'],
  ...['--pod shop/', '--pod cart', '--from-pod /c', '--to-pod bank/pay', '-n shop', '--from-namespace bank', '-A'],
  ...['--to-all-namespaces', '--service bank/pay', '--to-service bank/', '--from-service /', '--workload pay'],
  ...['--from-workload Deployment/', '--from-workload Deployment', '--to-workload StatefulSet/pay'],
  ...['--ip 10.1.0.0/24', '--from-ip 10.1.0.2', '--to-ip fd00::/8', '--snat-ip 198.51.100.0/24', '-4', '-6'],
  ...['--ip-version none', '--port 8080', '--to-port 53', '--from-port 8080', '--identity world', '--to-identity 4712'],
  ...['--label app=cart', '--from-label k8s:app', '--label !app', '--to-label app!=pay', '--label tier>1'],
  ...['--label any:app=pay', '--label reserved:world', '--from-label app,tier=2', '--label k8s:app=nothing'],
  ...['--fqdn *.example.org', '--to-fqdn api.example.org.', '--to-fqdn API.*', '--from-fqdn *'],
  ...['--verdict DROPPED', '--verdict AUDIT --verdict TRANSLATED', '--drop-reason-desc POLICY_DENIED'],
  ...['--type l7', '--type trace', '--type trace:to-endpoint', '--type drop', '--type policy-verdict', '-t 1:133'],
  ...['--type capture', '--type trace-sock', '--protocol http', '--protocol DNS', '--protocol icmp --protocol udp'],
  ...['--tcp-flags syn', '--tcp-flags SYN,ACK', '--tcp-flags fin --tcp-flags rst', '--traffic-direction egress'],
  ...['--http-status 404', '--http-status 4+', '--http-status 2+', '--http-method get', '--http-path ^/a.b/c$'],
  ...['--http-path q', '--http-url q=', '--http-header Accept:*/*', '--http-header accept:*/*'],
  ...['--node-name node-a', '--node-name west/', '--node-name */node-b', '--node-name NODE*', '--node-name /node-a'],
  ...['--node-name default/node-a', '--node-label zone=a', '--node-label !zone', '--cluster west', '--to-cluster w*'],
  ...['--trace-id feedfeedfeedfeedfeedfeedfeedfeed', '--ip-trace-id 9', '--uuid u3', '--interface lxc1'],
  ...['--encrypted', '--unencrypted', '--not --verdict FORWARDED', '--not -n bank --type trace', '--not --port 8080'],
  ...['--allowlist {"reply":[false]}', '--allowlist {"reply":[true]}', '--allowlist {"event_type":[{}]}'],
  ...['--allowlist {"dns_query":["bank"]}', '--allowlist {"destination_identity":[0]}', '--denylist {"verdict":[1]}'],
  ...['--allowlist {"interface":[{"index":3}]}', '--allowlist {"source_pod":["/"]}{"verdict":["AUDIT"]}'],
];

/** Arguments after `observe` that are refused in the very words of the stock command. */
export const refused: readonly string[] = [
  '--first 1 --last 1',
  '--first 1 --all',
  '--first 1 -f',
  '--last 1 --all',
  '-o table -f',
  '--field-mask time',
  '--not',
  '--not --not --pod x',
  '-n a --pod b/c',
  '--service a --pod b/c',
  '--from-ip 1.1.1.1 --ip 1.1.1.1',
  '--encrypted --unencrypted',
  '--drop-reason-desc x',
  '--http-header x',
  '--traffic-direction sideways',
  '--ip-trace-id 0',
  '--bogus',
  '-q',
  '--pod',
  '--protocol x --input-file FILE',
  '--http-status 9 --input-file FILE',
  '--http-method GET --type drop --input-file FILE',
  '--http-path ( --input-file FILE',
  '--fqdn a.. --input-file FILE',
  '--node-name a/b/c --input-file FILE',
  '--service= --input-file FILE',
  '--last 1000001 --input-file FILE',
  '--input-file /does/not/exist',
  '--basic-auth-username x',
  '--tls-client-key-file x',
];

/** Arguments after `config`, with `config.yaml` as the config file. */
export const configured: readonly string[] = [
  'view',
  'get',
  'get config',
  'get debug',
  'get kube-namespace',
  'get port-forward-port',
  'get server',
  'get timeout',
  'get request-timeout',
  'get tls',
  'get tls-allow-insecure',
  'get tls-ca-cert-files',
  'get tls-client-cert-file',
];

/** Whole command lines with flags before commands. */
export const flagsFirst: readonly string[] = [
  '--input-file FILE observe --last 3 -o json',
  '--last 3 observe --input-file FILE -o json',
  '-o json --pod=cart observe flows --input-file FILE',
  'observe --pod cart --not flows --pod pay --input-file FILE',
  '--basic-auth-username x status',
  'list --basic-auth-username x nodes',
  '--bogus status',
];
