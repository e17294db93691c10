/** How the check of a token ended: Envoy's number and words. */
const STATUSES = {
  ok: [0, 'OK'],
  missing: [1, 'Jwt is missing'],
  notYetValid: [2, 'Jwt not yet valid'],
  expired: [3, 'Jwt is expired'],
  badForm: [4, 'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections'],
  headerBase64: [5, 'Jwt header is an invalid Base64url encoded'],
  headerJson: [6, 'Jwt header is an invalid JSON'],
  headerAlg: [7, 'Jwt header [alg] field is required and must be a string'],
  unknownAlg: [8, 'Jwt header [alg] is not supported'],
  headerKid: [9, 'Jwt header [kid] field is not a string'],
  payloadBase64: [10, 'Jwt payload is an invalid Base64url encoded'],
  payloadJson: [11, 'Jwt payload is an invalid JSON'],
  payloadIss: [12, 'Jwt payload [iss] field is not a string'],
  payloadSub: [13, 'Jwt payload [sub] field is not a string'],
  payloadIat: [14, 'Jwt payload [iat] field is not an integer'],
  payloadIatSign: [15, 'Jwt payload [iat] field is not a positive 64 bit integer'],
  payloadNbf: [16, 'Jwt payload [nbf] field is not an integer'],
  payloadNbfSign: [17, 'Jwt payload [nbf] field is not a positive 64 bit integer'],
  payloadExp: [18, 'Jwt payload [exp] field is not an integer'],
  payloadExpSign: [19, 'Jwt payload [exp] field is not a positive 64 bit integer'],
  payloadJti: [20, 'Jwt payload [jti] field is not a string'],
  payloadAud: [21, 'Jwt payload [aud] field is not a string or string list'],
  signatureBase64: [22, 'Jwt signature is an invalid Base64url encoded'],
  signatureLength: [23, 'Jwt ED25519 signature is wrong length'],
  unknownIssuer: [24, 'Jwt issuer is not configured'],
  audience: [25, 'Audiences in Jwt are not allowed'],
  failed: [26, 'Jwt verification fails'],
  noKeys: [31, "Jwks doesn't have any valid public key"],
  noSuchKey: [32, "Jwks doesn't have key to match kid or alg from Jwt"],
  fetchFailed: [40, 'Jwks remote fetch is failed'],
} as const;

export type JwtStatus = keyof typeof STATUSES;

export const statusText = (status: JwtStatus): string => STATUSES[status][1];

export const statusCode = (status: JwtStatus): number => STATUSES[status][0];
