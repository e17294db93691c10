import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extractTags } from './tags.ts';

test('tags as Envoy 1.40 showed them', () => {
  const table: readonly (readonly [string, string, readonly string[]])[] = [
    ['cluster.cd.external.upstream_rq_200', 'cluster.external.upstream_rq', ['response_code=200', 'cluster_name=cd']],
    ['cluster.c.d.upstream_rq_2xx', 'cluster.d.upstream_rq_xx', ['response_code_class=2', 'cluster_name=c']],
    ['http.hp.rbac.rp.allowed', 'http.rbac.allowed', ['rbac_http_prefix=rp', 'http_conn_manager_prefix=hp']],
    [
      'http.hp.rbac.rp.policy.pol.allowed',
      'http.rbac.policy.allowed',
      ['rbac_policy_name=pol', 'rbac_http_prefix=rp', 'http_conn_manager_prefix=hp'],
    ],
    [
      'http.h2.rds.rc.x.config_reload',
      'http.rds.config_reload',
      ['rds_route_config=rc.x', 'http_conn_manager_prefix=h2'],
    ],
    [
      'listener.127.0.0.1_28080.http.hp.downstream_rq_1xx',
      'listener.http.downstream_rq_xx',
      ['response_code_class=1', 'http_conn_manager_prefix=hp', 'listener_address=127.0.0.1_28080'],
    ],
    ['listener.[__1]_28082.downstream_cx_total', 'listener.downstream_cx_total', ['listener_address=[__1]_28082']],
    ['listener.my.pre.no_filter_chain_match', 'listener.pre.no_filter_chain_match', ['listener_address=my']],
    ['listener.admin.downstream_cx_total', 'listener.admin.downstream_cx_total', []],
    [
      'listener.mypre.worker_0.downstream_cx_total',
      'listener.worker.downstream_cx_total',
      ['worker_id=0', 'listener_address=mypre'],
    ],
    ['lrp.http_local_rate_limit.ok', 'http_local_rate_limit.ok', ['local_http_ratelimit_prefix=lrp']],
    ['local_rate_limit.nlp.rate_limited', 'local_rate_limit.rate_limited', ['local_network_ratelimit_prefix=nlp']],
    [
      'connection_limit.clp.limited_connections',
      'connection_limit.limited_connections',
      ['connection_limit_prefix=clp'],
    ],
    ['nrp.rbac.allowed', 'rbac.allowed', ['rbac_prefix=nrp']],
    ['tcp.tp.idle_timeout', 'tcp.idle_timeout', ['tcp_prefix=tp']],
    ['vhost.vhx.route.rs.upstream_rq_total', 'vhost.route.upstream_rq_total', ['virtual_host=vhx', 'route=rs']],
    [
      'vhost.vhx.vcluster.vc.upstream_rq_200',
      'vhost.vcluster.upstream_rq',
      ['response_code=200', 'virtual_cluster=vc', 'virtual_host=vhx'],
    ],
    ['server.worker_0.watchdog_miss', 'server.worker.watchdog_miss', ['worker_id=0']],
    ['cluster_manager.cluster_added', 'cluster_manager.cluster_added', []],
  ];
  for (const [full, name, tags] of table) {
    const found = extractTags(full);
    assert.deepEqual(
      [full, found.name, found.tags.map(([tag, value]) => `${tag.replace('envoy.', '')}=${value}`)],
      [full, name, tags],
    );
  }
});
