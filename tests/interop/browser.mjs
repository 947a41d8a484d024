// Stands in for the browser and the person: node browser.mjs URL
// Follows redirects on this machine, fills the forms it meets, and ends at the
// client's callback, at a page without a form where the address brought a code
// that a device shows (RFC 8628), or hands a link of another scheme to the system as any
// browser does. BROWSER_LOGIN is the name it signs in with.
import { spawnSync } from 'node:child_process';
import { request as send } from 'node:http';

const MAX_STEPS = 15;
const login = process.env.BROWSER_LOGIN || 'interop';
const TYPED = { text: login, email: `${login}@example.org`, password: `${login}-password` };

function fail(message) {
  console.error(`browser: ${message}`);
  process.exit(1);
}

// For messages: codes and states stay out of test logs.
const shown = (url) => url.origin + url.pathname;

function checkLoopback(url) {
  const { hostname } = url;
  const loopback = hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
  if (url.protocol !== 'http:' || !loopback) fail(`refused ${url.protocol}//${url.host}: only http on this machine`);
}

// As in a browser, cookies belong to a host and a path, not to a port.
const jar = new Map();

function keepCookies(url, headers) {
  for (const line of headers['set-cookie'] ?? []) {
    const [pair, ...attributes] = line.split(';').map((part) => part.trim());
    const name = pair.slice(0, pair.indexOf('='));
    const attribute = (key) => attributes.find((a) => a.toLowerCase().startsWith(`${key}=`))?.slice(key.length + 1);
    const path = attribute('path')?.startsWith('/') ? attribute('path') : url.pathname.replace(/\/[^/]*$/, '') || '/';
    const maxAge = attribute('max-age');
    const expired = maxAge === undefined ? Date.parse(attribute('expires') ?? '') <= Date.now() : Number(maxAge) <= 0;
    const key = [url.hostname, path, name].join(' ');
    if (expired) jar.delete(key);
    else jar.set(key, { host: url.hostname, path, pair });
  }
}

function cookiesFor(url) {
  const inPath = (path) => url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
  return [...jar.values()]
    .filter((cookie) => cookie.host === url.hostname && inPath(cookie.path))
    .sort((a, b) => b.path.length - a.path.length)
    .map((cookie) => cookie.pair)
    .join('; ');
}

// Goes to an address as a browser does for a page: `fetch` would say that a script asks.
function visit({ url, body }) {
  const headers = { accept: 'text/html', cookie: cookiesFor(url), 'sec-fetch-mode': 'navigate', connection: 'close' };
  if (body) headers['content-type'] = 'application/x-www-form-urlencoded';
  return new Promise((resolve, reject) => {
    const request = send(url, { method: body ? 'POST' : 'GET', headers, timeout: 20_000 }, async (response) => {
      const { statusCode: status, headers } = response;
      const chunks = await response.setEncoding('utf8').toArray(); // hang up only after the whole answer
      resolve({ status, headers, html: chunks.join('') });
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject).end(body?.toString());
  });
}

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", '#39': "'", '#x27': "'", '#x2F': '/', '#47': '/' };
const unescape = (text) => text.replace(/&(#?\w+);/g, (whole, name) => ENTITIES[name] ?? whole);

function attributesOf(tag) {
  const found = {};
  for (const [, name, a, b, c] of tag.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?/g)) {
    found[name.toLowerCase()] ??= unescape(a ?? b ?? c ?? '');
  }
  return found;
}

// The first form of a page, filled in, as the request a click on its first button sends.
function submitForm(page, html) {
  const form = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(html);
  if (!form) return undefined;
  const { action, method } = attributesOf(form[1]);
  const fields = new URLSearchParams();
  for (const [, tag] of form[2].matchAll(/<input\b([^>]*)>/gi)) {
    const { name, type = 'text', value = '', ...flags } = attributesOf(tag);
    if (!name || ['submit', 'button', 'reset', 'image', 'file'].includes(type)) continue;
    if (['checkbox', 'radio'].includes(type)) {
      if ('checked' in flags) fields.append(name, value || 'on');
      continue;
    }
    fields.append(name, value || (TYPED[type] ?? ''));
  }
  const button = /<button\b([^>]*)>|<input\b([^>]*\btype=["']?submit\b[^>]*)>/i.exec(form[2]);
  const { name, value = '' } = attributesOf(button?.[1] ?? button?.[2] ?? '');
  if (name) fields.append(name, value);
  const url = new URL(action || page.href, page);
  if (method?.toLowerCase() === 'post') return { url, body: fields };
  url.search = fields;
  return { url };
}

let start;
try {
  start = new URL(process.argv[2]);
} catch {
  fail('usage: node browser.mjs URL');
}

let request = { url: start };
for (let step = 0; step < MAX_STEPS; step++) {
  const { url, body } = request;
  checkLoopback(url);
  const atCallback = step > 0 && url.port !== start.port && url.pathname.endsWith('/callback');
  const { status, headers, html } = await visit(request).catch((error) => fail(`${shown(url)}: ${error.message}`));
  if (atCallback) {
    if (status !== 200) fail(`callback ${shown(url)} answered ${status}`);
    process.exit(0);
  }
  keepCookies(url, headers);

  if (status >= 300 && status < 400 && headers.location) {
    const target = new URL(headers.location, url);
    if (!['http:', 'https:'].includes(target.protocol)) {
      const opened = spawnSync('gio', ['open', target.href], { stdio: 'ignore' });
      if (opened.status !== 0) fail(`nothing here opens ${target.protocol} links`);
      process.exit(0);
    }
    // 307 and 308 repeat the request, the others turn it into a GET.
    request = { url: target, body: [307, 308].includes(status) ? body : undefined };
    continue;
  }

  if (status !== 200) fail(`${shown(url)} answered ${status}: ${html.replace(/<style[\s\S]*?<\/style>|<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim().slice(0, 300)}`);
  const next = submitForm(url, html);
  if (!next && step > 0 && start.searchParams.has('user_code')) process.exit(0);
  request = next ?? fail(`${shown(url)} has neither a redirect nor a form`);
}
fail(`no callback after ${MAX_STEPS} steps`);
