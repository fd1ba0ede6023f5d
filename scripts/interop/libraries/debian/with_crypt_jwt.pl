# Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token.
use strict;
use warnings;
use Crypt::JWT qw(decode_jwt);
use HTTP::Tiny;

my ($issuer, $audience, $alg, @tokens) = @ARGV;
my $jwks = HTTP::Tiny->new->get("$issuer/.well-known/jwks.json")->{content};
for my $token (@tokens) {
  my ($header, $claims) = eval {
    decode_jwt(token => $token, kid_keys => $jwks, accepted_alg => $alg, decode_header => 1,
      verify_iss => sub { $_[0] eq $issuer }, verify_aud => sub { $_[0] eq $audience },
      verify_exp => 1);
  };
  my $fault = $@ || ($header->{typ} eq 'at+jwt' ? '' : 'no access token');
  $fault =~ s/\n/ /g;
  print $fault ? "no $fault\n" : "ok $claims->{sub}\n";
}
