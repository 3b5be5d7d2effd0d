"""Whose is what: projects and domains of a location resolved to accounts, each asked for once.

An account is a project, or, with ``account_scope = domain``, a domain with all its projects. The
answers are kept for as long as the directory is, which is one command or one run.
"""

from collections.abc import Collection, Sequence

from instance_images.drivers.provider import Provider
from instance_images.errors import NotFound, Refused, UsageError
from instance_images.model.cloud import Domain, Project, Server
from instance_images.model.records import Account, AccountScope
from instance_images.names import printable

# From this many projects on, one listing of all is asked for in place of a request for each.
_FEW = 3
# Where all may not be listed, so many are asked for one by one: names do not hold up a run.
_MOST_ASKED = 100


class Directory:
    """The projects and accounts of one location."""

    def __init__(self, provider: Provider, scope: AccountScope) -> None:
        self._provider = provider
        self._scope = scope
        self._projects: dict[str, Project | None] = {}
        self._domain_names: dict[str, str] = {}
        self._of_domain: dict[str, Sequence[Project]] = {}
        self._has_listed_all = False
        self._may_list_all = True

    def account(self, reference: str | None) -> Account:
        """Return the account of that id or name, or the credentials' own. Raises NotFound.

        An account that is a domain is found by the id or name of one of its projects as well; the
        domain comes first where both have the name.
        """
        if self._scope is AccountScope.PROJECT:
            return self._account(self._provider.find_project(reference))
        if reference is None:
            return self._account(self._provider.find_project(None))
        try:
            return _domain_account(self._provider.find_domain(reference))
        except NotFound as missing:
            try:
                return self._account(self._provider.find_project(reference))
            except NotFound:
                raise missing from None

    def account_of_project(self, project_id: str) -> Account | None:
        """Return the account that the project is or belongs to, None if it is no longer there."""
        project = self._project(project_id)
        return None if project is None else self._account(project)

    def current(self, account_ids: Collection[str], *, with_domains: bool) -> dict[str, Account]:
        """Return these accounts by id as they are called now, without those that are gone.

        ``with_domains``: a project's domain is wanted too, which only a listing of all tells.
        """
        if with_domains or len(account_ids) >= _FEW:
            self._list_all()
        listed = [account_id for account_id in account_ids if self._is_listed(account_id)]
        others = sorted(set(account_ids) - set(listed))[:_MOST_ASKED]
        found = map(self._current, [*listed, *others])
        return {account.id: account for account in found if account is not None}

    def _is_listed(self, account_id: str) -> bool:
        return self._projects.get(account_id) is not None or account_id in self._domain_names

    def _current(self, account_id: str) -> Account | None:
        if self._scope is AccountScope.DOMAIN:
            return self._current_domain(account_id)
        if account_id not in self._projects:
            self._projects[account_id] = self._asked(account_id)
        project = self._projects[account_id]
        return None if project is None else self._account(project)

    def _current_domain(self, domain_id: str) -> Account | None:
        name = self._domain_names.get(domain_id)
        if name is not None:
            return _domain_account(Domain(domain_id, name))
        try:
            found = self._provider.find_domain(domain_id)
        except NotFound:
            return None
        return _domain_account(found) if found.id == domain_id else None

    def projects_of(self, account: Account) -> Sequence[Project]:
        """Return the account's projects. Raises Refused where they may not be listed."""
        if self._scope is AccountScope.PROJECT:
            return [Project(account.id, account.name, domain_name=account.domain_name)]
        if account.id not in self._of_domain:
            if len(self._of_domain) >= _FEW:
                self._list_all()
            self._of_domain[account.id] = self._listed(account.id)
        return self._of_domain[account.id]

    def project_of(self, account: Account, reference: str) -> Project:
        """Return the account's project of that id or name. Raises NotFound for any other."""
        projects = self.projects_of(account)
        for project in projects:
            if project.id == reference:
                return project
        for project in projects:  # a name is unique within its domain
            if project.name == reference:
                return project
        known = ", ".join(sorted(printable(project.name) for project in projects)[:20]) or "none"
        raise NotFound("Project", reference, f"Account {printable(account.name)} has: {known}.")

    def projects_to_look_in(self, account: Account, reference: str | None) -> Sequence[Project]:
        """Return the account's project of that id or name, or all that anybody can work in."""
        if reference is not None:
            return [self.project_of(account, reference)]
        return [project for project in self.projects_of(account) if project.is_enabled]

    def working_project(self, account: Account, reference: str | None = None) -> str:
        """Return the id of the account's project to work in, by default the only one.

        Where there are several and none is named, it is the credentials' own. Raises UsageError.
        """
        if reference is not None:
            return self.project_of(account, reference).id
        if self._scope is AccountScope.PROJECT:
            return account.id
        project_ids = [project.id for project in self.projects_of(account)]
        own = self._provider.find_project(None).id
        if own in project_ids:
            return own
        if len(project_ids) != 1:
            raise UsageError(
                f"Account {printable(account.name)} has {len(project_ids)} projects: name the one"
                " to work in.",
                case="project",
            )
        return project_ids[0]

    def find_server(self, account: Account, reference: str, project: str | None) -> Server:
        """Return the account's instance of that id or name, in one of its projects if it is named.

        Raises NotFound, also for another account's, and Refused where several have the name.
        """
        if project is not None:
            project_id = self.project_of(account, project).id
            return self._provider.find_server(project_id, reference)
        if self._scope is AccountScope.PROJECT:
            return self._provider.find_server(account.id, reference)
        names = {one.id: one.name for one in self.projects_of(account)}
        found = self._provider.find_servers(names.keys(), reference)
        if len(found) > 1:
            listed = (f"{one.id} (project {printable(names[one.project_id])})" for one in found)
            raise Refused(
                f"{len(found)} instances are named {printable(reference)!r}: give the id of one of"
                f" {', '.join(listed)}, or name the project.",
                case="project",
            )
        if not found:
            hint = f"No project of account {printable(account.name)} has one of that id or name."
            raise NotFound("Instance", reference, hint)
        return found[0]

    def _account(self, project: Project) -> Account:
        if self._scope is AccountScope.PROJECT:
            return Account(project.id, project.name, project.domain_name)
        name = project.domain_name
        if name is None:
            return _domain_account(self._provider.find_domain(project.domain_id))
        return _domain_account(Domain(project.domain_id, name))

    def _project(self, project_id: str) -> Project | None:
        """Return the project; after a few of them, from a listing of all."""
        if project_id not in self._projects and len(self._projects) >= _FEW:
            self._list_all()
        if project_id not in self._projects:
            self._projects[project_id] = self._asked(project_id)
        return self._projects[project_id]

    def _asked(self, project_id: str) -> Project | None:
        try:
            found = self._provider.find_project(project_id)
        except Refused:  # there is none of that id; several may have it for a name
            return None
        return found if found.id == project_id else None  # another one has it for a name

    def _listed(self, domain_id: str) -> Sequence[Project]:
        if self._has_listed_all:
            found = [project for project in self._projects.values() if project is not None]
        else:
            found = list(self._provider.list_projects(domain_id))
        return [project for project in found if project.domain_id == domain_id]

    def _list_all(self) -> None:
        if self._has_listed_all or not self._may_list_all:
            return
        try:
            listed = self._provider.list_projects()
        except Refused:
            self._may_list_all = False  # then each is asked for
            return
        self._projects.update({project.id: project for project in listed})
        self._domain_names = {
            project.domain_id: project.domain_name for project in listed if project.domain_name
        }
        self._has_listed_all = True


def _domain_account(domain: Domain) -> Account:
    return Account(domain.id, domain.name, domain.name, AccountScope.DOMAIN)
