// What the audience thinks: one to five stars for a talk.

const http = require("node:http");

const stars = new Map(); // from a talk's id to the stars it was given

const server = http.createServer((request, response) => {
  const path = request.url.split("?")[0];
  const talk = /^\/votes\/(\d+)$/.exec(path);
  if (path === "/health") {
    send(response, 200, { status: "ok" });
  } else if (talk && request.method === "GET") {
    send(response, 200, count(Number(talk[1])));
  } else if (talk && request.method === "POST") {
    vote(Number(talk[1]), request, response).catch(() => response.destroy());
  } else {
    send(response, 404, { error: "not found" });
  }
});

function count(talk) {
  const given = stars.get(talk) ?? [];
  const sum = given.reduce((a, b) => a + b, 0);
  return { talk_id: talk, votes: given.length, average: given.length ? sum / given.length : null };
}

async function vote(talk, request, response) {
  let text = "";
  for await (const part of request) {
    text += part;
    if (text.length > 1000) break;
  }
  let given;
  try {
    given = JSON.parse(text).stars;
  } catch {
    given = undefined;
  }
  if (![1, 2, 3, 4, 5].includes(given)) {
    send(response, 422, { error: "stars must be 1 to 5" });
    return;
  }
  stars.set(talk, [...(stars.get(talk) ?? []), given]);
  send(response, 201, count(talk));
}

function send(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

server.listen(process.env.PORT ?? 3000, "127.0.0.1", () => {
  console.log(`votes on port ${server.address().port}`);
});
