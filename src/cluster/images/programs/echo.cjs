// The echo server of the connectivity tests: the answers of cilium's json-mock image, on every address, port $PORT (80).
const { createServer } = require('node:http');
const { hostname } = require('node:os');

const page =
  "<!doctype html><html><head><title>JSON Server</title></head><body><h1>Congrats!</h1><p>You're successfully running JSON Server</p></body></html>\n";
const documents = {
  '/public': [{ id: 1, body: 'public information' }],
  '/private': [{ id: 1, body: 'secret information' }],
};
const bodyMax = 1 << 20;

/** @param {import('node:http').ServerResponse} response @param {number} status @param {unknown} value */
function json(response, status, value) {
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(value, undefined, 2));
}

/** @param {import('node:http').ServerResponse} response @param {number} status @param {string} type @param {string} text */
function send(response, status, type, text) {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'x-powered-by': 'tinyhttp',
    'access-control-allow-origin': '*',
  });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response @param {string} body */
function answer(request, response, body) {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const reads = request.method === 'GET' || request.method === 'HEAD';
  if (reads && (path === '/' || path === '/index.html')) return send(response, 200, 'text/html; charset=utf-8', page);
  if (reads && path === '/client-ip') {
    return json(response, 200, { 'client-ip': request.socket.remoteAddress?.replace(/^::ffff:/, '') });
  }
  if (reads && path === '/hostname') return json(response, 200, { hostname: hostname() });
  if (path.startsWith('/auth-header-required')) {
    if (request.headers.authorization !== 'Bearer 123456') return json(response, 401, { error: 'Unauthorized' });
    return json(response, request.method === 'POST' ? 201 : 200, {});
  }
  const document = path === '/public' || path === '/private' ? documents[path] : undefined;
  if (document && reads) return json(response, 200, document);
  if (document && request.method === 'POST') return json(response, 201, { id: 2, ...parsed(body) });
  return json(response, 404, {});
}

const server = createServer((request, response) => {
  if (request.method === 'GET' || request.method === 'HEAD') {
    request.resume();
    return answer(request, response, '');
  }
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (text) => {
    body += text;
    if (body.length > bodyMax) request.destroy();
  });
  request.on('end', () => answer(request, response, body));
});

const port = Number(process.env['PORT'] ?? 80);
server.on('error', (error) => {
  console.error(`echo: cannot listen on port ${port}: ${error.message}`);
  process.exit(1);
});
server.listen(port, '0.0.0.0', () => console.log(`echo: listening on port ${port}`));
process.on('SIGTERM', () => process.exit(0));
