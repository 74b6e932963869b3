"""``make demo``: enrich a sample list in the sandbox, over a real socket."""

import pronto_pandas as pronto
from pronto_pandas.sandbox import Sandbox, Server

with Server(Sandbox(latency=0.5)) as server:
    print(f"This demo uses the sandbox, a test server of the Pronto API, at {server.url}.")
    print("Every person, email and number in it is made up. It costs nothing.\n")
    # ledger=None: made-up answers need not be saved. confirm_above=None: the run does not ask.
    pronto.configure(
        base_url=server.url, api_key=server.sandbox.api_key, ledger=None, confirm_above=None
    )

    leads = pronto.read(pronto.sample("leads.csv"))
    print("\nWhich column is used for which field:\n")
    print(leads.pronto.columns[["header", "filled %"]].to_string(), "\n")

    out = leads.pronto.enrich(type=["email", "phone"])
    requests, balance = len(server.sandbox.charges), server.sandbox.credits

print("\nThe first rows:\n")
shown = ["First Name", "Company", "email", "email_status", "phone_1", "pronto_status"]
print(out[shown].head(8).to_string(index=False, na_rep="", max_colwidth=34), "\n")
print("Status of the rows:\n")
print(out["pronto_status"].value_counts().to_string(header=False), "\n")
print("Why rows were not sent:\n")
invalid = out.loc[out["pronto_status"] == "invalid", "pronto_message"]
print(invalid.value_counts().to_string(header=False), "\n")
print(f"{len(out)} rows, {requests} requests: each person is requested once.")
print(f"Cost: {Sandbox().credits - balance} made-up credits.\n")
print("Next: make notebook    (opens notebooks/quickstart.ipynb in JupyterLab)")
