import { show } from "./frame";

show("/", <p className="empty">No campaigns yet</p>);
