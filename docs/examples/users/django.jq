# Turns the output of `manage.py dumpdata auth.user` into lines for `kinship users import`.
.[]
| select(.model == "auth.user" and .fields.is_active)
| .fields
| {username, email, createdAt: .date_joined}
  # Django marks an account without a password by a value that begins with !.
  + if .password | startswith("!") then {}
    else {passwordHash: (.password | sub("^(?:argon2|bcrypt[$])(?=[$])"; ""))}
    end
