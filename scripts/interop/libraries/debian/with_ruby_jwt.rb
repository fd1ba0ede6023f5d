# Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token.
require 'json'
require 'jwt'
require 'net/http'

issuer, audience, alg, *tokens = ARGV
jwks = JSON.parse(Net::HTTP.get(URI("#{issuer}/.well-known/jwks.json")), symbolize_names: true)
options = { algorithms: [alg], iss: issuer, verify_iss: true, aud: audience, verify_aud: true, jwks: jwks }
tokens.each do |token|
  claims, header = JWT.decode(token, nil, true, options)
  raise 'no access token' unless header['typ'] == 'at+jwt'
  puts "ok #{claims['sub']}"
rescue StandardError, LoadError => error
  puts "no #{error.class} #{error.message}".tr("\n", ' ')
end
