"""The columns of the FOCUS data sets that are written, by version. Pure.

FOCUS (FinOps Open Cost and Usage Specification) is how cloud providers hand over costs to the
tools of their customers. Its own columns come first, then ours, which begin with ``x_``; both in
alphabetical order, as it recommends. A column is left out where the specification asks for it of
providers alone who offer something that is not offered here, such as commitments or tags.
"""

_COST_AND_USAGE = {
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
}
_OF_VERSION = {
    "1.2": {"ProviderName", "PublisherName"},
    "1.4": {"HostProviderName", "InvoiceDetailId", "ServiceProviderName"},
}
_OURS = (
    "x_AmountExact",
    "x_BillableSeconds",
    "x_ChargeKind",
    "x_MeteredUntil",
    "x_PartialHour",
    "x_SizeBytes",
    "x_SourceInstanceId",
    "x_SourceInstanceName",
)
COST_AND_USAGE = {
    version: (*sorted(_COST_AND_USAGE | columns), *_OURS)
    for version, columns in _OF_VERSION.items()
}
BILLING_PERIOD = (
    "BillingPeriodCreated",
    "BillingPeriodEnd",
    "BillingPeriodLastUpdated",
    "BillingPeriodStart",
    "BillingPeriodStatus",
    "InvoiceIssuerName",
)
INVOICE_DETAIL = (
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "InvoiceDetailCreated",
    "InvoiceDetailDescription",
    "InvoiceDetailGrain",
    "InvoiceDetailId",
    "InvoiceDetailLastUpdated",
    "InvoiceId",
    "InvoiceIssueDate",
    "InvoiceIssueStatus",
    "InvoiceIssuerName",
    "PaymentDueDate",
    "PaymentTerms",
    "ReferenceInvoiceId",
)
