/** The release of ciliate-proxy, and the release of Envoy whose behaviour it has. */
export const VERSION = '0.1.0';
export const ENVOY_VERSION = { major_number: 1, minor_number: 40, patch: 0 } as const;

/** As Envoy shows its own: revision, release, state of the tree, build, TLS library. */
export const versionText = `${VERSION}/1.40.0/Clean/RELEASE/none`;
