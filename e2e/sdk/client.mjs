// One request for each line of input, with one client of the AWS SDK for JavaScript.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { ECSClient, ListClustersCommand } from "@aws-sdk/client-ecs";

const client = new ECSClient({});
console.log("@aws-sdk/client-ecs", createRequire(import.meta.url)("@aws-sdk/client-ecs/package.json").version);
for await (const _ of createInterface({ input: process.stdin })) {
  try {
    await client.send(new ListClustersCommand({}));
    console.log("ok");
  } catch (e) {
    console.log("error", e.name, String(e.message).replaceAll("\n", " "));
  }
}
