// How a wallet speaks with Huiyin, in TypeScript: nothing but fetch and Web Crypto.
//
// The first half belongs into the wallet's backend, which holds the secrets; the second into
// the app or the mini-program, which holds a customer's token for a few minutes.
// HUIYIN_URL, HUIYIN_API_KEY, HUIYIN_SIGNING_SECRET and CUSTOMER say with whom and for whom.

declare const process: { argv: string[]; env: Record<string, string | undefined>; exit(code: number): never };

const base = process.env.HUIYIN_URL ?? "http://localhost:8080";
const text = new TextEncoder();

// --- the wallet's backend ---

async function hmac(key: BufferSource, content: string): Promise<Uint8Array> {
  const k = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", k, text.encode(content)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** Signs a token for one customer, good for ten minutes. All of the secret's text is the key; its number is the kid. */
async function customerToken(secret: string, customer: string): Promise<string> {
  const kid = secret.split("_")[1];
  const now = Math.floor(Date.now() / 1000);
  const head = { alg: "HS256", typ: "JWT", kid };
  const body = { aud: "huiyin-inapp", sub: customer, iat: now, exp: now + 600, jti: crypto.randomUUID() };
  const content = [head, body].map((part) => base64url(text.encode(JSON.stringify(part)))).join(".");
  return content + "." + base64url(await hmac(text.encode(secret), content));
}

/** Says that something happened (CloudEvents 1.0). Sent again under the same id it counts once. */
async function postEvent(apiKey: string, event: object): Promise<void> {
  const got = await fetch(base + "/v1/events", {
    method: "POST", headers: { Authorization: "Bearer " + apiKey, "Content-Type": "application/cloudevents+json" }, body: JSON.stringify(event),
  });
  if (got.status !== 202) throw new Error(`event: ${got.status} ${await got.text()}`);
}

/** Verifies a webhook from Huiyin (Standard Webhooks): over the body's very bytes, in constant time, and not an old one. */
async function verifyWebhook(secret: string, id: string, timestamp: string, signatures: string, body: string): Promise<boolean> {
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const key = Uint8Array.from(atob(secret.replace(/^whsec_/, "")), (c) => c.charCodeAt(0));
  const want = await hmac(key, `${id}.${timestamp}.${body}`);
  return signatures.split(" ").some((one) => {
    if (!one.startsWith("v1,")) return false;
    let given: string;
    try { given = atob(one.slice(3)); } catch { return false; }
    let different = given.length ^ want.length;
    for (let i = 0; i < want.length; i++) different |= (want[i] ?? 0) ^ given.charCodeAt(i % (given.length || 1));
    return different === 0;
  });
}

// --- the app ---

interface Question { id: string; type: string; ask: string; visible: boolean }
interface Form { next: string; complete: boolean; questions: Question[] }
interface Card { id: string; purpose: string; title?: string; text: string; form?: Form }

class Inbox {
  private etag = "";
  private cards: Card[] = [];
  constructor(private readonly token: string) {}

  private async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const got = await fetch(base + "/v1/inapp/" + path, {
      method, headers: { Authorization: "Bearer " + this.token, "Content-Type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (got.status >= 400) throw new Error(`${method} ${path}: ${got.status} ${await got.text()}`);
    return got;
  }

  /** What is due. It waits until something changes, 25 seconds at most; 304 costs next to nothing. */
  async due(): Promise<Card[]> {
    const got = await this.ask("GET", "cards?wait=25", undefined, this.etag ? { "If-None-Match": this.etag } : {});
    if (got.status === 200) {
      this.etag = got.headers.get("ETag") ?? "";
      this.cards = ((await got.json()) as { cards: Card[] }).cards;
    }
    return this.cards;
  }

  async shown(card: Card): Promise<void> { await this.ask("POST", `cards/${card.id}/shown`); }

  async answer(card: Card, question: string, value: unknown): Promise<Form> {
    const got = await this.ask("PUT", `cards/${card.id}/answers/${encodeURIComponent(question)}`, { value });
    return ((await got.json()) as { form: Form }).form;
  }

  async handIn(card: Card): Promise<string> {
    return ((await (await this.ask("POST", `cards/${card.id}/answers`, {})).json()) as { thanks?: string }).thanks ?? "";
  }

  async feedback(id: string, words: string, score: number): Promise<string> {
    return ((await (await this.ask("POST", "feedback", { id, text: words, score })).json()) as { id: string }).id;
  }
}

async function main(): Promise<void> {
  const [, , command, ...rest] = process.argv;
  if (command === "verify") { // verify ID TIMESTAMP SIGNATURES BODY
    const [id = "", timestamp = "", signatures = "", body = ""] = rest;
    console.log((await verifyWebhook(process.env.WEBHOOK_SECRET ?? "", id, timestamp, signatures, body)) ? "genuine" : "forged");
    return;
  }
  const customer = process.env.CUSTOMER ?? "W1004";
  await postEvent(process.env.HUIYIN_API_KEY ?? "", {
    specversion: "1.0", id: "ts-" + crypto.randomUUID(), source: "/samples/typescript", type: "wallet.payment.failed", subject: customer, time: new Date().toISOString(),
    data: { order_id: crypto.randomUUID(), amount_minor: 1200, currency: "CNY", merchant: "茶舍", reason: "insufficient-funds", charged: false },
  });
  console.log("event accepted");
  const inbox = new Inbox(await customerToken(process.env.HUIYIN_SIGNING_SECRET ?? "", customer));
  let card: Card | undefined;
  for (let tries = 0; !card && tries < 5; tries++) card = (await inbox.due()).find((c) => c.form);
  if (!card?.form) throw new Error("no card with questions came");
  console.log("card:", card.title);
  await inbox.shown(card);
  console.log("shown");
  const form = await inbox.answer(card, card.form.next, 5);
  console.log("complete:", form.complete);
  console.log("thanks:", await inbox.handIn(card));
  console.log("feedback:", (await inbox.feedback(crypto.randomUUID(), "很好用", 5)) !== "");
}

main().catch((e: unknown) => {
  console.error(e instanceof Error ? e.message : e);
  process.exit(1);
});
