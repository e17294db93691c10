/** The release of ciliate-proxy. */
const VERSION = '0.1.0';

/** As Envoy shows its own: revision, release, state of the tree, build, TLS library. */
export const versionText = `${VERSION}/1.40.0/Clean/RELEASE/none`;
