import type { Broker } from "../broker.ts";
import type {
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from "../messages/sasl.ts";
import type { RequestContext } from "./handler.ts";

/** A wrong password is answered so late (Kafka's `connection.failed.authentication.delay.ms`). */
const FAILURE_DELAY_MS = 100;

export function handleSaslHandshake(
  _broker: Broker,
  { mechanism }: SaslHandshakeRequest,
  { sasl, version }: RequestContext,
): SaslHandshakeResponse {
  return sasl.handshake(mechanism, version);
}

export async function handleSaslAuthenticate(
  broker: Broker,
  { authBytes }: SaslAuthenticateRequest,
  { sasl, signal }: RequestContext,
): Promise<SaslAuthenticateResponse> {
  const answer = sasl.authenticate(authBytes);
  if (sasl.hasFailed && !signal.aborted) await delay(broker, signal);
  return answer;
}

function delay(broker: Broker, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = broker.clock.schedule(FAILURE_DELAY_MS, resolve);
    signal.addEventListener("abort", () => {
      cancel();
      resolve();
    });
  });
}
