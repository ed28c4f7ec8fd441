import "./dashboard.css";
import "./picture.css";
import "./tables.css";
import { useEffect } from "react";
import { BatchSystems } from "./batch-systems";
import { CampaignPage } from "./campaign";
import { CampaignList } from "./campaigns";
import { CredentialsInNeed } from "./credentials";
import { Discrepancies } from "./discrepancies";
import { show } from "./frame";
import { Heartbeat } from "./heartbeat";
import { InstallationQuestion } from "./installation";
import { useRoute } from "./route";
import { RequestPage } from "./request";
import { RequestList } from "./requests";
import { ServiceTokens } from "./service-tokens";
import { SubmissionPage } from "./submission";

function Dashboard() {
  const route = useRoute();
  const id = route.page === "campaigns" ? "" : route.id;
  useEffect(() => {
    document.title = id ? `${id.replace(":", " ")} · POMS` : "POMS";
    document.querySelector("main")?.scrollTo(0, 0);
  }, [id]);
  return (
    <>
      <Heartbeat />
      {route.page === "campaigns" && (
        <>
          <InstallationQuestion />
          <BatchSystems />
          <CredentialsInNeed />
          <Discrepancies />
          <RequestList />
          <CampaignList />
          <ServiceTokens />
        </>
      )}
      {route.page === "campaign" && (
        <CampaignPage key={route.id} id={route.id} stage={route.stage} view={route.view} />
      )}
      {route.page === "request" && <RequestPage key={route.id} id={route.id} />}
      {route.page === "submission" && <SubmissionPage key={route.id} id={route.id} />}
    </>
  );
}

show("/", <Dashboard />);
