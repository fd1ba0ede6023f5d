<?php
// Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token.
require '/usr/share/php/phpseclib3/autoload.php';

use phpseclib3\Crypt\PublicKeyLoader;
use phpseclib3\Crypt\RSA;
use phpseclib3\Math\BigInteger;

[, $issuer, $audience, $alg] = $argv;
$keys = json_decode(file_get_contents("$issuer/.well-known/jwks.json"))->keys;

function decode(string $part): string
{
    return base64_decode(strtr($part, '-_', '+/'));
}

function verify(string $token, array $keys, string $issuer, string $audience, string $alg): string
{
    [$head, $body, $signature] = explode('.', $token);
    $header = json_decode(decode($head));
    if ($header->alg !== $alg || $header->typ !== 'at+jwt') {
        throw new Exception('another algorithm, or no access token');
    }
    $found = array_values(array_filter($keys, fn ($key) => $key->kid === $header->kid));
    if ($found === []) {
        throw new Exception('unknown key');
    }
    $key = PublicKeyLoader::load(json_encode(['keys' => $found]));
    $key = match ($alg) {
        'RS256' => $key->withPadding(RSA::SIGNATURE_PKCS1)->withHash('sha256'),
        'ES256' => $key->withSignatureFormat('Raw')->withHash('sha256'),
        'EdDSA' => $key,
    };
    $bytes = decode($signature);
    // JOSE writes the two numbers one behind the other (RFC 7518 §3.4).
    $numbers = fn () => array_map(fn ($half) => new BigInteger($half, 256), str_split($bytes, 32));
    $given = $alg === 'ES256' ? array_combine(['r', 's'], $numbers()) : $bytes;
    if (!$key->verify("$head.$body", $given)) {
        throw new Exception('the signature is not good');
    }
    $claims = json_decode(decode($body));
    if ($claims->iss !== $issuer || !in_array($audience, (array) $claims->aud, true)) {
        throw new Exception('another issuer or audience');
    }
    if ($claims->exp <= time()) {
        throw new Exception('expired');
    }
    return $claims->sub;
}

foreach (array_slice($argv, 4) as $token) {
    try {
        $sub = verify($token, $keys, $issuer, $audience, $alg);
        echo "ok $sub\n";
    } catch (Throwable $error) {
        echo 'no ', get_class($error), ' ', $error->getMessage(), "\n";
    }
}
