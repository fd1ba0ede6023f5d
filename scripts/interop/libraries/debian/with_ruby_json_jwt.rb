# Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token.
require 'json/jwt'
require 'net/http'

issuer, audience, alg, *tokens = ARGV
jwks = JSON::JWK::Set.new(JSON.parse(Net::HTTP.get(URI("#{issuer}/.well-known/jwks.json"))))
tokens.each do |token|
  claims = JSON::JWT.decode(token, jwks, [alg.to_sym])
  fine = claims['iss'] == issuer && claims['aud'] == audience && claims['exp'] > Time.now.to_i
  raise 'another issuer or audience, or expired' unless fine
  raise 'no access token' unless claims.header['typ'] == 'at+jwt'
  puts "ok #{claims['sub']}"
rescue StandardError, LoadError => error
  puts "no #{error.class} #{error.message}".tr("\n", ' ')
end
