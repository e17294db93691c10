import { isRecord } from '../schema/shape.ts';
import { methodNotAllowed } from '../status.ts';
import { decodeBody, mediaType, readBody } from './body.ts';
import type { ResourceRequest, User } from './request.ts';
import { sendJson } from './respond.ts';

/** Access reviews: everyone with a certificate of this cluster may do everything. */
export async function handleReview(call: ResourceRequest): Promise<void> {
  const { request, response, resource, user } = call;
  if (request.method !== 'POST' || call.name !== undefined) throw methodNotAllowed();
  const { value } = await decodeBody(mediaType(request), await readBody(request));
  sendJson(response, 201, {
    kind: resource.definition.kind,
    apiVersion: `${resource.definition.group}/${resource.served.version}`,
    metadata: { creationTimestamp: null },
    ...(isRecord(value) && value['spec'] !== undefined ? { spec: value['spec'] } : {}),
    status: reviewStatus(resource.definition.kind, user),
  });
}

function reviewStatus(kind: string, user: User): unknown {
  switch (kind) {
    case 'SelfSubjectAccessReview':
      return { allowed: true, reason: 'every client of this cluster may do everything' };
    case 'SelfSubjectRulesReview':
      return {
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
        incomplete: false,
      };
    default:
      return { userInfo: { username: user.name, groups: user.groups } };
  }
}
