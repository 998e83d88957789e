"""The table of provider rules: how the tokens of each provider begin, and what they look like whole.

How the table is searched is up to `providers.py`. Shapes are from the vendors' own pages or, where there are none, from
detect-secrets (`Borrowed`) and the rules of public secret scanners.
"""

from __future__ import annotations

from dataclasses import dataclass

from neural_memory_pipelines.domain.redaction.borrowed import Borrowed

_END = r"(?![A-Za-z0-9])"


@dataclass(frozen=True, slots=True)
class ProviderRule:
    """What a provider's tokens look like.

    Attributes:
        kind: what the placeholder says.
        anchors: what every such token begins with, as regular expressions that are plain at their beginning.
        shape: the whole token, as a regular expression or as the patterns of detect-secrets.
        tail: what follows it; by default the token must not go on with a letter or digit.
        literals: instead of anchors, for tokens far from a long run of letters: one of these stands in or before them.
        examples: also redact bodies that look filled in for show, as the key of Amazon's own pages does.
    """

    kind: str
    anchors: tuple[str, ...]
    shape: str | Borrowed
    tail: str = _END
    literals: tuple[str, ...] = ()
    examples: bool = False


RULES: tuple[ProviderRule, ...] = (
    ProviderRule(
        "github-token",
        ("gh[pousr]_", "github_pat_"),
        # Tokens of installations may carry a JSON Web Token, hence the dots.
        r"gh[pousr]_[A-Za-z0-9_]{36,255}(?:\.[A-Za-z0-9_-]{8,1500}){0,2}|github_pat_[A-Za-z0-9_]{36,255}",
    ),
    ProviderRule(
        "gitlab-token",
        ("gl[a-z]{2,5}-", "GR1348941"),
        Borrowed("gitlab_token", "GitLabTokenDetector"),
    ),
    ProviderRule("linear-token", ("lin_",), r"lin_(?:api|oauth|refresh|wh)_[A-Za-z0-9]{32,128}"),
    ProviderRule("notion-token", ("ntn_", "secret_"), r"ntn_[A-Za-z0-9]{40,64}|secret_[A-Za-z0-9]{43}"),
    ProviderRule(
        "slack-webhook",
        (),
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Z][A-Za-z0-9_]{6,20}/[A-Za-z0-9_]{6,24}/"
        r"[A-Za-z0-9_/]{16,80}",
        literals=("hooks.slack.com/",),
    ),
    ProviderRule(
        "slack-token",
        ("xox[abdeoprs][-.]", "xapp-"),
        r"xox[abdeoprs](?:\.xox[bp])?-(?=[A-Za-z-]{0,40}[0-9])[A-Za-z0-9-]{20,400}"
        r"|xapp-[0-9]-[A-Z0-9]{8,16}-[0-9]{8,16}-[a-f0-9]{32,128}",
    ),
    ProviderRule(
        "aws-key", ("A3T[A-Z0-9]", "ABIA", "ACCA", "AKIA", "ASIA"), Borrowed("aws", "AWSKeyDetector"), examples=True
    ),
    ProviderRule(
        "google-key",
        ("AIza", "GOCSPX-", r"ya29\.", "1//0"),
        r"AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{30,1024}|1//0[A-Za-z0-9_-]{40,200}",
    ),
    ProviderRule("anthropic-key", ("sk-ant-",), r"sk-ant-[a-z0-9]{2,12}-[A-Za-z0-9_-]{24,200}"),
    ProviderRule("openrouter-key", ("sk-or-",), r"sk-or-v1-[0-9a-f]{64}"),
    ProviderRule(
        "openai-key",
        ("sk-",),
        r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{24,250}|sk-(?:lf-)?[A-Za-z0-9]{32,64}",
    ),
    ProviderRule("langsmith-key", ("lsv2_",), r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    ProviderRule("huggingface-token", ("hf_", "api_org_"), r"(?:hf|api_org)_[A-Za-z0-9]{34,64}"),
    ProviderRule("groq-key", ("gsk_",), r"gsk_[A-Za-z0-9]{40,64}"),
    ProviderRule("replicate-token", ("r8_",), r"r8_[A-Za-z0-9]{37,40}"),
    ProviderRule("perplexity-key", ("pplx-",), r"pplx-[A-Za-z0-9]{40,64}"),
    ProviderRule("xai-key", ("xai-",), r"xai-[A-Za-z0-9]{70,90}"),
    ProviderRule("pinecone-key", ("pcsk_",), r"pcsk_[A-Za-z0-9]{5,8}_[A-Za-z0-9]{40,80}"),
    ProviderRule("stripe-key", ("[sr]k_live_",), Borrowed("stripe", "StripeDetector"), tail=r"[A-Za-z0-9]{0,256}"),
    ProviderRule(
        "stripe-key", ("[sr]k_test_", "whsec_"), r"[sr]k_test_[A-Za-z0-9]{24,256}|whsec_[A-Za-z0-9+/=]{24,80}"
    ),
    ProviderRule("twilio-key", ("AC[a-z0-9]{12}", "SK[a-z0-9]{12}"), Borrowed("twilio", "TwilioKeyDetector")),
    ProviderRule("sendgrid-key", (r"SG\.",), Borrowed("sendgrid", "SendGridDetector")),
    ProviderRule("mailchimp-key", ("[0-9a-z]{32}-us",), Borrowed("mailchimp", "MailchimpDetector")),
    ProviderRule("mailgun-key", ("key-",), r"key-[0-9a-f]{32}"),
    ProviderRule("resend-key", ("re_",), r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"),
    ProviderRule("square-token", ("sq0csp-",), Borrowed("square_oauth", "SquareOAuthDetector")),
    ProviderRule("square-token", ("sq0atp-", "EAAA"), r"sq0atp-[A-Za-z0-9_-]{22}|EAAA[A-Za-z0-9_-]{60}"),
    ProviderRule("shopify-token", ("shp[a-z]{2,3}_",), r"shp(?:at|ca|pa|ss|tka)_[0-9a-fA-F]{32}"),
    ProviderRule("npm-token", ("npm_",), r"npm_[A-Za-z0-9]{36}"),
    ProviderRule("pypi-token", ("pypi-AgE",), Borrowed("pypi_token", "PypiTokenDetector")),
    ProviderRule("rubygems-key", ("rubygems_",), r"rubygems_[0-9a-f]{48}"),
    ProviderRule("docker-token", ("dckr_",), r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,64}"),
    ProviderRule("artifactory-token", ("AKCp",), r"AKCp[A-Za-z0-9]{60,80}"),
    ProviderRule("discord-token", (r"[MNO][A-Za-z0-9_-]{23,25}\.",), Borrowed("discord", "DiscordBotTokenDetector")),
    ProviderRule(
        "discord-webhook",
        (),
        r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,80}",
        literals=("/api/webhooks/",),
    ),
    ProviderRule(
        "telegram-token", ("[0-9]{8,10}:[A-Za-z0-9_-]{35}",), Borrowed("telegram_token", "TelegramBotTokenDetector")
    ),
    # As it stands in addresses of the API: /bot<token>/<method>
    ProviderRule("telegram-token", ("bot[0-9]{8,10}:",), r"bot[0-9]{8,10}:[A-Za-z0-9_-]{35}"),
    ProviderRule(
        "azure-key",
        (),
        r"(?:(?<=AccountKey=)|(?<=SharedAccessKey=))[A-Za-z0-9+/]{43,86}={1,2}",
        literals=("AccountKey=", "AccessKey="),
    ),
    ProviderRule("digitalocean-token", ("do[opr]_v1_",), r"do[opr]_v1_[0-9a-f]{64}"),
    ProviderRule("heroku-key", ("HRKU-",), r"HRKU-[A-Za-z0-9_-]{36,64}"),
    ProviderRule("databricks-token", ("dapi",), r"dapi[0-9a-f]{32}(?:-[0-9])?"),
    ProviderRule(
        "grafana-token", ("glsa_", "glc_"), r"glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|glc_[A-Za-z0-9+/]{32,400}={0,3}"
    ),
    ProviderRule("sentry-token", ("sntry[su]_",), r"sntry[su]_[A-Za-z0-9+/=_-]{40,400}"),
    ProviderRule("newrelic-key", ("NR[A-Z]{2}-",), r"NR(?:AK|JS|II)-[A-Za-z0-9_-]{19,40}"),
    ProviderRule("vault-token", (r"hv[bsr]\.",), r"hv[bsr]\.[A-Za-z0-9_-]{24,300}"),
    ProviderRule("terraform-token", (r"[A-Za-z0-9]{14}\.atlasv1",), r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,80}"),
    ProviderRule("pulumi-token", ("pul-",), r"pul-[0-9a-f]{40}"),
    ProviderRule(
        "doppler-token", (r"dp\.",), r"dp\.(?:pt|ct|st|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}"
    ),
    ProviderRule("tailscale-key", ("tskey-",), r"tskey-[a-z]{2,12}-[A-Za-z0-9]{8,24}(?:-[A-Za-z0-9]{16,64})?"),
    ProviderRule("buildkite-token", ("bkua_",), r"bkua_[0-9a-f]{40}"),
    ProviderRule("planetscale-token", ("pscale_",), r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{32,64}"),
    ProviderRule("supabase-key", ("sbp_", "sb_secret_"), r"sbp_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{31,64}"),
    ProviderRule("postman-key", ("PMAK-",), r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    ProviderRule("figma-token", ("fig[dur]_",), r"fig[dur]_[A-Za-z0-9_-]{40,80}"),
    ProviderRule("airtable-token", (r"pat[A-Za-z0-9]{14}\.",), r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    ProviderRule("atlassian-token", ("AT[AC]TT3",), r"AT[AC]TT3[A-Za-z0-9_=-]{60,300}"),
    ProviderRule("age-key", ("AGE-SECRET-KEY-1",), r"AGE-SECRET-KEY-1[0-9A-Z]{58}", examples=True),
)
"""One row per provider and shape. An anchor that is the beginning of another's stands below it."""
