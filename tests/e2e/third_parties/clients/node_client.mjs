// Reads {base, asks, noise} from standard input, asks with node:http, writes {seen, connections}.
// It follows no redirects and keeps no cookies: node:http does neither.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const MIB = 1 << 20;
const KEPT_BYTES = 64 * 1024;

function* content(size) {
  for (let number = 0; number * MIB < size; number += 1) {
    const head = Buffer.alloc(8);
    head.writeBigUInt64BE(BigInt(number));
    yield Buffer.concat([head, noise]).subarray(0, size - number * MIB);
  }
}

function pairs(raw) {
  return raw.flatMap((name, i) => (i % 2 ? [] : [[name, raw[i + 1]]]));
}

function ask(base, agent, wanted, count) {
  return new Promise((resolve) => {
    const headers = wanted.headers.flat();
    const upload = wanted.upload;
    if (upload?.framing === "length") headers.push("Content-Length", String(upload.size_bytes));
    if (upload?.framing === "chunked") headers.push("Transfer-Encoding", "chunked");
    headers.push("Host", new URL(base).host);
    const fail = (error) => resolve({ error: error.code ?? error.name });
    const request = http.request(base + wanted.path, { method: wanted.method, agent, headers });
    request.on("socket", () => { if (!request.reusedSocket) count(); });
    const send = () => pipeline(Readable.from(content(upload?.size_bytes ?? 0)), request).catch(() => {});
    request.on("error", fail);
    request.on("response", (answer) => {
      const sha = createHash("sha256");
      const kept = [];
      let size = 0;
      answer.on("data", (piece) => {
        sha.update(piece);
        size += piece.length;
        if (size <= KEPT_BYTES) kept.push(piece);
      });
      answer.on("error", fail);
      answer.on("end", () => resolve({
        status: answer.statusCode,
        reason: answer.statusMessage,
        headers: pairs(answer.rawHeaders),
        trailers: pairs(answer.rawTrailers),
        body_bytes: size,
        body_sha256: sha.digest("hex"),
        body: size <= KEPT_BYTES ? Buffer.concat(kept).toString("latin1") : "",
      }));
    });
    if (wanted.headers.some(([name]) => name === "Expect")) {
      request.on("continue", send);
      request.flushHeaders();
    } else {
      send();
    }
  });
}

const input = JSON.parse(readFileSync(0, "utf8"));
const { base, asks } = input;
const noise = Buffer.from(input.noise, "base64"); // of each MiB of content, behind its number
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const seen = [];
let connections = 0;
for (const wanted of asks) seen.push(await ask(base, agent, wanted, () => { connections += 1; }));
agent.destroy();
process.stdout.write(JSON.stringify({ seen, connections }));
