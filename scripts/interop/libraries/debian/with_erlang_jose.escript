%% Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token.
-mode(compile).

main([Issuer, Audience, Alg | Tokens]) ->
    {ok, _} = application:ensure_all_started(inets),
    {ok, _} = application:ensure_all_started(jose),
    jose:json_module(jose_json_jiffy),
    {ok, {_, _, Body}} = httpc:request(Issuer ++ "/.well-known/jwks.json"),
    #{<<"keys">> := Keys} = jose:decode(list_to_binary(Body)),
    [verify(list_to_binary(Token), Keys, b(Issuer), b(Audience), b(Alg)) || Token <- Tokens].

b(Text) -> list_to_binary(Text).

verify(Token, Keys, Issuer, Audience, Alg) ->
    try
        #{<<"kid">> := Kid, <<"typ">> := <<"at+jwt">>} = jose:decode(jose_jws:peek_protected(Token)),
        [Key] = [K || #{<<"kid">> := Id} = K <- Keys, Id =:= Kid],
        {true, {jose_jwt, Claims}, _} = jose_jwt:verify_strict(jose_jwk:from_map(Key), [Alg], Token),
        #{<<"iss">> := Issuer, <<"aud">> := Audience, <<"exp">> := Exp, <<"sub">> := Sub} = Claims,
        true = Exp > erlang:system_time(second),
        io:format("ok ~s~n", [Sub])
    catch
        _:Reason -> io:format("no ~0p~n", [Reason])
    end.
