import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * How a wallet speaks with Huiyin, in Java 17 without further libraries: {@code java Sample.java}.
 *
 * <p>The first half belongs into the wallet's backend, which holds the secrets; the second into the
 * app, which holds a customer's token for a few minutes. HUIYIN_URL, HUIYIN_API_KEY,
 * HUIYIN_SIGNING_SECRET and CUSTOMER say with whom and for whom.
 */
public final class Sample {
    private static final String BASE = env("HUIYIN_URL", "http://localhost:8080");
    private static final HttpClient CLIENT = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

    private Sample() {}

    private static String env(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? otherwise : value;
    }

    // --- the wallet's backend ---

    static byte[] hmac(byte[] key, String content) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(content.getBytes(StandardCharsets.UTF_8));
    }

    static String base64url(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** Signs a token for one customer, good for ten minutes. All of the secret's text is the key; its number is the kid. */
    static String customerToken(String secret, String customer) throws GeneralSecurityException {
        String[] parts = secret.split("_", 3);
        if (parts.length != 3 || !parts[0].equals("hys")) {
            throw new IllegalArgumentException("HUIYIN_SIGNING_SECRET is no signing secret");
        }
        long now = Instant.now().getEpochSecond();
        String head = Json.write(Map.of("alg", "HS256", "typ", "JWT", "kid", parts[1]));
        String body = Json.write(Map.of("aud", "huiyin-inapp", "sub", customer, "iat", now, "exp", now + 600, "jti", UUID.randomUUID().toString()));
        String content = base64url(head.getBytes(StandardCharsets.UTF_8)) + "." + base64url(body.getBytes(StandardCharsets.UTF_8));
        return content + "." + base64url(hmac(secret.getBytes(StandardCharsets.UTF_8), content));
    }

    /** Says that something happened (CloudEvents 1.0). Sent again under the same id it counts once. */
    static void postEvent(String apiKey, Map<String, Object> event) throws Exception {
        call("POST", "/v1/events", apiKey, "application/cloudevents+json", event, "");
    }

    /** Verifies a webhook from Huiyin (Standard Webhooks): over the body's very bytes, in constant time, and not an old one. */
    static boolean verifyWebhook(String secret, String id, String timestamp, String signatures, String body) throws GeneralSecurityException {
        if (!timestamp.matches("\\d{1,12}") || Math.abs(Instant.now().getEpochSecond() - Long.parseLong(timestamp)) > 300) {
            return false;
        }
        byte[] want = hmac(Base64.getDecoder().decode(secret.replaceFirst("^whsec_", "")), id + "." + timestamp + "." + body);
        for (String one : signatures.split(" ")) {
            try {
                if (one.startsWith("v1,") && MessageDigest.isEqual(want, Base64.getDecoder().decode(one.substring(3)))) {
                    return true;
                }
            } catch (IllegalArgumentException notBase64) {
                continue; // another may be right
            }
        }
        return false;
    }

    // --- the app ---

    /** What an app has of one customer. */
    static final class Inbox {
        private final String token;
        private String etag = "";
        private List<Map<String, Object>> cards = List.of();

        Inbox(String token) {
            this.token = token;
        }

        /** What is due. It waits until something changes, 25 seconds at most; 304 costs next to nothing. */
        List<Map<String, Object>> due() throws Exception {
            HttpResponse<String> got = call("GET", "/v1/inapp/cards?wait=25", token, null, null, etag);
            if (got.statusCode() == 200) {
                etag = got.headers().firstValue("ETag").orElse("");
                cards = Json.list(Json.object(got.body()).get("cards"));
            }
            return cards;
        }

        void shown(Map<String, Object> card) throws Exception {
            call("POST", "/v1/inapp/cards/" + card.get("id") + "/shown", token, null, null, "");
        }

        Map<String, Object> answer(Map<String, Object> card, String question, Object value) throws Exception {
            String path = "/v1/inapp/cards/" + card.get("id") + "/answers/" + URLEncoder.encode(question, StandardCharsets.UTF_8);
            return Json.inner(Json.object(say("PUT", path, Map.of("value", value))).get("form"));
        }

        String handIn(Map<String, Object> card) throws Exception {
            return String.valueOf(Json.object(say("POST", "/v1/inapp/cards/" + card.get("id") + "/answers", Map.of())).get("thanks"));
        }

        String feedback(String id, String words, int score) throws Exception {
            return String.valueOf(Json.object(say("POST", "/v1/inapp/feedback", Map.of("id", id, "text", words, "score", score))).get("id"));
        }

        private String say(String method, String path, Map<String, Object> body) throws Exception {
            return call(method, path, token, "application/json", body, "").body();
        }
    }

    static HttpResponse<String> call(String method, String path, String bearer, String kind, Map<String, Object> body, String etag) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(BASE + path)).timeout(Duration.ofSeconds(40)).header("Authorization", "Bearer " + bearer);
        if (kind != null) {
            request.header("Content-Type", kind);
        }
        if (!etag.isEmpty()) {
            request.header("If-None-Match", etag);
        }
        request.method(method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(Json.write(body)));
        HttpResponse<String> got = CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (got.statusCode() >= 400) {
            throw new IllegalStateException(method + " " + path + ": " + got.statusCode() + " " + got.body());
        }
        return got;
    }

    public static void main(String[] args) throws Exception {
        if (args.length == 5 && args[0].equals("verify")) { // verify ID TIMESTAMP SIGNATURES BODY
            System.out.println(verifyWebhook(env("WEBHOOK_SECRET", ""), args[1], args[2], args[3], args[4]) ? "genuine" : "forged");
            return;
        }
        String customer = env("CUSTOMER", "W1004");
        Map<String, Object> data = new LinkedHashMap<>(Map.of("order_id", UUID.randomUUID().toString(), "amount_minor", 1200, "currency", "CNY"));
        data.putAll(Map.of("merchant", "茶舍", "reason", "insufficient-funds", "charged", false));
        postEvent(env("HUIYIN_API_KEY", ""), Map.of("specversion", "1.0", "id", "java-" + UUID.randomUUID(), "source", "/samples/java",
            "type", "wallet.payment.failed", "subject", customer, "time", Instant.now().toString(), "data", data));
        System.out.println("event accepted");
        Inbox inbox = new Inbox(customerToken(env("HUIYIN_SIGNING_SECRET", ""), customer));
        Map<String, Object> card = null;
        for (int tries = 0; card == null && tries < 5; tries++) {
            card = inbox.due().stream().filter(c -> c.get("form") != null).findFirst().orElse(null);
        }
        if (card == null) {
            throw new IllegalStateException("no card with questions came");
        }
        System.out.println("card: " + card.get("title"));
        inbox.shown(card);
        System.out.println("shown");
        Map<String, Object> form = inbox.answer(card, String.valueOf(Json.inner(card.get("form")).get("next")), 5);
        System.out.println("complete: " + form.get("complete"));
        System.out.println("thanks: " + inbox.handIn(card));
        System.out.println("feedback: " + !inbox.feedback(UUID.randomUUID().toString(), "很好用", 5).isEmpty());
    }

    /** As much JSON as this sample needs; use your own library. */
    static final class Json {
        private final String text;
        private int at;

        private Json(String text) {
            this.text = text;
        }

        static Map<String, Object> object(String text) {
            return inner(new Json(text).value());
        }

        @SuppressWarnings("unchecked")
        static Map<String, Object> inner(Object value) {
            return (Map<String, Object>) value;
        }

        @SuppressWarnings("unchecked")
        static List<Map<String, Object>> list(Object value) {
            return (List<Map<String, Object>>) value;
        }

        static String write(Object value) {
            if (value instanceof Map<?, ?> map) {
                List<String> parts = new ArrayList<>();
                map.forEach((k, v) -> parts.add(write(k) + ":" + write(v)));
                return "{" + String.join(",", parts) + "}";
            }
            if (!(value instanceof String s)) {
                return String.valueOf(value);
            }
            StringBuilder out = new StringBuilder("\"");
            for (char c : s.toCharArray()) {
                out.append(c == '"' || c == '\\' ? "\\" + c : c < ' ' ? String.format("\\u%04x", (int) c) : String.valueOf(c));
            }
            return out.append('"').toString();
        }

        private char next() {
            while (Character.isWhitespace(text.charAt(at))) {
                at++;
            }
            return text.charAt(at);
        }

        private Object value() {
            switch (next()) {
                case '{': {
                    Map<String, Object> map = new LinkedHashMap<>();
                    for (at++; next() != '}'; at += next() == ',' ? 1 : 0) {
                        String key = string();
                        next();
                        at++; // the colon
                        map.put(key, value());
                    }
                    at++;
                    return map;
                }
                case '[': {
                    List<Object> list = new ArrayList<>();
                    for (at++; next() != ']'; at += next() == ',' ? 1 : 0) {
                        list.add(value());
                    }
                    at++;
                    return list;
                }
                case '"':
                    return string();
                default: {
                    int from = at;
                    while (at < text.length() && ",]} \n".indexOf(text.charAt(at)) < 0) {
                        at++;
                    }
                    String word = text.substring(from, at);
                    return switch (word) {
                        case "true" -> Boolean.TRUE;
                        case "false" -> Boolean.FALSE;
                        case "null" -> null;
                        default -> Double.valueOf(word);
                    };
                }
            }
        }

        private String string() {
            next();
            StringBuilder out = new StringBuilder();
            for (at++; text.charAt(at) != '"'; at++) {
                char c = text.charAt(at);
                if (c != '\\') {
                    out.append(c);
                    continue;
                }
                char escaped = text.charAt(++at);
                if (escaped == 'u') {
                    out.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
                    at += 4;
                } else {
                    out.append("nbrtf".indexOf(escaped) < 0 ? escaped : "\n\b\r\t\f".charAt("nbrtf".indexOf(escaped)));
                }
            }
            at++;
            return out.toString();
        }
    }
}
