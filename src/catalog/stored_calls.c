/*
 * stored_calls.c
 *		Stored expressions that call the extension with a model's id.
 *
 * pg_depend knows which objects hold an expression that calls one of our
 * functions; the expression itself, read as a tree, tells with which id.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_index.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "funcapi.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "rewrite/rewriteSupport.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "catalog/catalog.h"
#include "catalog/stored_calls.h"

/* The name that our functions have for the argument that is a model's id. */
#define MODEL_ARGUMENT "model_id"

/* One of our functions that takes a model. */
typedef struct ModelFunction
{
	Oid			function;
	int			argument;		/* place of the model's id, from 0 */
} ModelFunction;

/*
 * Where a class of objects, as pg_depend has it, keeps its expressions.  Indexes,
 * statistics and generated columns want functions that are IMMUTABLE, which some
 * make of ours.  Row filters of publications take no functions but built-in ones.
 */
typedef struct ExpressionSource
{
	Oid			classid;
	Oid			catalog;
	Oid			index;			/* unique, on the column of the object's OID */
	AttrNumber	key;
	AttrNumber	trees[2];		/* columns of type pg_node_tree; 0: none */
} ExpressionSource;

static const ExpressionSource sources[] = {
	{RewriteRelationId, RewriteRelationId, RewriteOidIndexId, Anum_pg_rewrite_oid,
	{Anum_pg_rewrite_ev_action, Anum_pg_rewrite_ev_qual}},
	{AttrDefaultRelationId, AttrDefaultRelationId, AttrDefaultOidIndexId, Anum_pg_attrdef_oid,
	{Anum_pg_attrdef_adbin}},
	{ConstraintRelationId, ConstraintRelationId, ConstraintOidIndexId, Anum_pg_constraint_oid,
	{Anum_pg_constraint_conbin}},
	{RelationRelationId, IndexRelationId, IndexRelidIndexId, Anum_pg_index_indexrelid,
	{Anum_pg_index_indexprs, Anum_pg_index_indpred}},
	{PolicyRelationId, PolicyRelationId, PolicyOidIndexId, Anum_pg_policy_oid,
	{Anum_pg_policy_polqual, Anum_pg_policy_polwithcheck}},
	{ProcedureRelationId, ProcedureRelationId, ProcedureOidIndexId, Anum_pg_proc_oid,
	{Anum_pg_proc_prosqlbody, Anum_pg_proc_proargdefaults}},
	{TriggerRelationId, TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid,
	{Anum_pg_trigger_tgqual}},
	{StatisticExtRelationId, StatisticExtRelationId, StatisticExtOidIndexId, Anum_pg_statistic_ext_oid,
	{Anum_pg_statistic_ext_stxexprs}},
	{TypeRelationId, TypeRelationId, TypeOidIndexId, Anum_pg_type_oid,
	{Anum_pg_type_typdefaultbin}},
};

/*
 * ----------
 * Our functions
 * ----------
 */

/* Objects of a class (InvalidOid: of any) that depend so on an object. */
static List *
list_referrers(Oid refclassid, Oid refobjid, DependencyType type, Oid classid)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *referrers = NIL;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(refclassid));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(refobjid));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress *referrer;

		if (depend->deptype != type ||
			(OidIsValid(classid) && depend->classid != classid))
			continue;
		referrer = palloc(sizeof(ObjectAddress));
		ObjectAddressSet(*referrer, depend->classid, depend->objid);
		referrers = lappend(referrers, referrer);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return referrers;
}

/* The place of a function's argument that is a model's id, or -1. */
static int
model_argument(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid		   *types;
	char	  **names;
	char	   *modes;
	int			n;
	int			place = -1;

	if (!HeapTupleIsValid(tuple))
		return -1;
	n = get_func_arg_info(tuple, &types, &names, &modes);
	for (int i = 0; names && i < n && place < 0; i++)
		if ((modes == NULL || modes[i] == PROARGMODE_IN) &&
			strcmp(names[i], MODEL_ARGUMENT) == 0)
			place = i;			/* results come after arguments in ours */
	ReleaseSysCache(tuple);
	return place;
}

static List *
list_model_functions(void)
{
	Oid			extension = get_extension_oid(INF_EXTENSION_NAME, false);
	List	   *functions = NIL;
	ListCell   *lc;

	foreach(lc, list_referrers(ExtensionRelationId, extension,
							   DEPENDENCY_EXTENSION, ProcedureRelationId))
	{
		ModelFunction *function = palloc(sizeof(ModelFunction));

		function->function = ((ObjectAddress *) lfirst(lc))->objectId;
		function->argument = model_argument(function->function);
		if (function->argument >= 0)
			functions = lappend(functions, function);
	}
	return functions;
}

/*
 * ----------
 * Expressions
 * ----------
 */

typedef struct CallSearch
{
	const char *model_id;
	List	   *functions;		/* of ModelFunction */
} CallSearch;

static bool
is_model_id(Node *argument, const char *model_id)
{
	Const	   *literal;

	while (argument && (IsA(argument, RelabelType) || IsA(argument, CollateExpr)))
		argument = IsA(argument, RelabelType) ?
			(Node *) ((RelabelType *) argument)->arg :
			(Node *) ((CollateExpr *) argument)->arg;
	if (argument == NULL || !IsA(argument, Const))
		return false;
	literal = (Const *) argument;
	return !literal->constisnull &&
		(literal->consttype == TEXTOID || literal->consttype == VARCHAROID) &&
		strcmp(TextDatumGetCString(literal->constvalue), model_id) == 0;
}

/* The argument of a call at a place; calls that are stored may still name it. */
static Node *
argument_at(const FuncExpr *call, int place)
{
	int			i = 0;
	ListCell   *lc;

	foreach(lc, call->args)
	{
		Node	   *argument = lfirst(lc);

		if (IsA(argument, NamedArgExpr))
		{
			if (((NamedArgExpr *) argument)->argnumber == place)
				return (Node *) ((NamedArgExpr *) argument)->arg;
		}
		else if (i == place)
			return argument;
		i++;
	}
	return NULL;
}

static bool
calls_model(Node *node, void *context)
{
	CallSearch *search = context;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, calls_model, context, 0);
	if (IsA(node, FuncExpr))
		foreach(lc, search->functions)
		{
			const ModelFunction *function = lfirst(lc);
			const FuncExpr *call = (FuncExpr *) node;

			if (call->funcid == function->function &&
				is_model_id(argument_at(call, function->argument), search->model_id))
				return true;
		}
	return expression_tree_walker(node, calls_model, context);
}

/*
 * The rule that makes a view is told as the view, and a domain's constraint,
 * whose description would not say of which, as the domain.
 */
static ObjectAddress
object_to_tell(const ObjectAddress *holder, HeapTuple tuple)
{
	ObjectAddress told = *holder;

	if (holder->classId == RewriteRelationId)
	{
		Form_pg_rewrite rule = (Form_pg_rewrite) GETSTRUCT(tuple);

		if (strcmp(NameStr(rule->rulename), ViewSelectRuleName) == 0)
			ObjectAddressSet(told, RelationRelationId, rule->ev_class);
	}
	else if (holder->classId == ConstraintRelationId)
	{
		Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);

		if (OidIsValid(constraint->contypid))
			ObjectAddressSet(told, TypeRelationId, constraint->contypid);
	}
	return told;
}

/* The description of an object if one of its expressions names the model. */
static char *
describe_caller(const ExpressionSource *source, const ObjectAddress *holder,
				CallSearch *search)
{
	Relation	rel = table_open(source->catalog, AccessShareLock);
	ScanKeyData key[1];
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *description = NULL;

	ScanKeyInit(&key[0], source->key, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(holder->objectId));
	scan = systable_beginscan(rel, source->index, true, NULL, 1, key);
	tuple = systable_getnext(scan);
	for (int i = 0; HeapTupleIsValid(tuple) && i < lengthof(source->trees) && !description; i++)
	{
		bool		isnull = true;
		Datum		tree = 0;

		if (source->trees[i] != InvalidAttrNumber)
			tree = heap_getattr(tuple, source->trees[i], RelationGetDescr(rel), &isnull);
		if (!isnull && calls_model(stringToNode(TextDatumGetCString(tree)), search))
		{
			ObjectAddress told = object_to_tell(holder, tuple);

			description = getObjectDescription(&told, true);
		}
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return description;
}

static const ExpressionSource *
find_source(Oid classid)
{
	for (int i = 0; i < lengthof(sources); i++)
		if (sources[i].classid == classid)
			return &sources[i];
	return NULL;
}

List *
inf_catalog_list_stored_calls(const char *model_id)
{
	CallSearch	search = {model_id, list_model_functions()};
	ObjectAddresses *holders = new_object_addresses();
	List	   *callers = NIL;
	ListCell   *lc;

	foreach(lc, search.functions)
	{
		const ModelFunction *function = lfirst(lc);
		ListCell   *holder_cell;

		foreach(holder_cell, list_referrers(ProcedureRelationId, function->function,
											DEPENDENCY_NORMAL, InvalidOid))
		{
			const ObjectAddress *holder = lfirst(holder_cell);
			const ExpressionSource *source = find_source(holder->classId);
			char	   *description;

			if (source == NULL || object_address_present(holder, holders))
				continue;
			add_exact_object_address(holder, holders);
			description = describe_caller(source, holder, &search);
			if (description)
				callers = lappend(callers, description);
		}
	}
	free_object_addresses(holders);
	return callers;
}
