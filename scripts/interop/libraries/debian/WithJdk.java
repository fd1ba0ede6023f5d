// Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token.
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.AlgorithmParameters;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.EdECPoint;
import java.security.spec.EdECPublicKeySpec;
import java.security.spec.NamedParameterSpec;
import java.security.spec.RSAPublicKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;

class WithJdk {
  /** The names of the JDK; P1363 is a signature as JOSE writes it. */
  static final Map<String, String> ALGORITHMS =
      Map.of(
          "RS256", "SHA256withRSA", "ES256", "SHA256withECDSAinP1363Format", "EdDSA", "Ed25519");

  static byte[] decode(String text) {
    return Base64.getUrlDecoder().decode(text);
  }

  static JsonObject parse(String part) {
    String text = new String(decode(part), StandardCharsets.UTF_8);
    return JsonParser.parseString(text).getAsJsonObject();
  }

  static BigInteger number(JsonObject key, String name) {
    return new BigInteger(1, decode(key.get(name).getAsString()));
  }

  static PublicKey toKey(JsonObject key) throws Exception {
    switch (key.get("kty").getAsString()) {
      case "RSA":
        return KeyFactory.getInstance("RSA")
            .generatePublic(new RSAPublicKeySpec(number(key, "n"), number(key, "e")));
      case "EC":
        AlgorithmParameters curve = AlgorithmParameters.getInstance("EC");
        curve.init(new ECGenParameterSpec("secp256r1"));
        ECPoint point = new ECPoint(number(key, "x"), number(key, "y"));
        ECParameterSpec spec = curve.getParameterSpec(ECParameterSpec.class);
        return KeyFactory.getInstance("EC").generatePublic(new ECPublicKeySpec(point, spec));
      default:
        // Little-endian, with the sign of x in the highest bit (RFC 8032 §5.1.2).
        byte[] bytes = decode(key.get("x").getAsString());
        for (int low = 0, high = bytes.length - 1; low < high; low++, high--) {
          byte other = bytes[low];
          bytes[low] = bytes[high];
          bytes[high] = other;
        }
        boolean isXOdd = (bytes[0] & 0x80) != 0;
        bytes[0] &= 0x7f;
        EdECPoint edPoint = new EdECPoint(isXOdd, new BigInteger(1, bytes));
        return KeyFactory.getInstance("Ed25519")
            .generatePublic(new EdECPublicKeySpec(NamedParameterSpec.ED25519, edPoint));
    }
  }

  static String verify(JsonArray keys, String issuer, String audience, String alg, String token)
      throws Exception {
    String[] parts = token.split("\\.", -1);
    JsonObject header = parse(parts[0]);
    if (!header.get("alg").getAsString().equals(alg)
        || !header.get("typ").getAsString().equals("at+jwt"))
      throw new Exception("another algorithm, or no access token");
    for (JsonElement element : keys) {
      JsonObject key = element.getAsJsonObject();
      if (!key.get("kid").equals(header.get("kid"))) continue;
      Signature signature = Signature.getInstance(ALGORITHMS.get(alg));
      signature.initVerify(toKey(key));
      signature.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
      if (!signature.verify(decode(parts[2]))) throw new Exception("the signature is not good");
      JsonObject claims = parse(parts[1]);
      if (!claims.get("iss").getAsString().equals(issuer)
          || !claims.get("aud").getAsString().equals(audience))
        throw new Exception("another issuer or audience");
      if (claims.get("exp").getAsLong() <= System.currentTimeMillis() / 1000)
        throw new Exception("expired");
      return claims.get("sub").getAsString();
    }
    throw new Exception("unknown key");
  }

  public static void main(String[] args) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(args[0] + "/.well-known/jwks.json")).build();
    String jwks = HttpClient.newHttpClient().send(request, BodyHandlers.ofString()).body();
    JsonArray keys = JsonParser.parseString(jwks).getAsJsonObject().getAsJsonArray("keys");
    for (String token : Arrays.copyOfRange(args, 3, args.length)) {
      try {
        System.out.println("ok " + verify(keys, args[0], args[1], args[2], token));
      } catch (Exception error) {
        System.out.println("no " + error.getClass().getSimpleName() + " " + error.getMessage());
      }
    }
  }
}
