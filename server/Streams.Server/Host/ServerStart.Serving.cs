using Microsoft.Extensions.Logging;
using Streams.Cluster;
using Streams.Core;
using Streams.Gateways;
using Streams.Geo;
using Streams.Storage;

namespace Streams.Server;

/// <summary>The steps that let others in: links, then clients.</summary>
internal sealed partial class ServerStart
{
    // By then a link has told, as a rule, which clients went on elsewhere while this server was down.
    private static readonly TimeSpan WillGrace = TimeSpan.FromSeconds(10);

    private async Task<NeighbourReport?> AskNeighboursAsync(CancellationToken cancellationToken)
    {
        if (Options.LinksTo.IsEmpty)
        {
            return null;
        }

        MakeLinks();
        return await Links.AskNeighboursAsync(NeighbourLimit, cancellationToken)
            ? new NeighbourReport(true, "a neighbour holds more of the own lanes, or knows of a later incarnation", default)
            : null;
    }

    private async Task StartLinksAsync(CancellationToken cancellationToken)
    {
        MakeLinks();
        try
        {
            await Links.StartAsync(cancellationToken);
        }
        catch (ConfigurationException fault)
        {
            throw new TryAgainException($"{OptionKey.Link.Switch} {Options.Link}: {fault.Message}", fault);
        }
    }

    // Made when it is first needed: it wants to know the name of this cluster, which a new container learns when writing begins.
    private void MakeLinks()
    {
        if (Links is not null)
        {
            return;
        }

        NeighboursRecord known = Catalog.Neighbours();
        GeoOptions geo = new()
        {
            Listen = Options.Link.ToEndPoint(),
            Targets = [.. Options.LinksTo.Select(peer => new LinkTarget(peer.Cluster, peer.Host, peer.Port))],
            LossLimit = Options.DamagePatience,
        };
        Links = new GeoService(
            Engine.Lanes,
            geo,
            new HorizonMemory(known.Reach, known.Senders),
            memory => Catalog.SaveNeighbours(new NeighboursRecord([.. memory.Reach.Order()], [.. memory.Senders.Order()])),
            log.CreateLogger<GeoService>(),
            Time,
            Part());
        closers.Add("links", Links.DisposeAsync);
    }

    private void StartRetention()
    {
        RetentionRules rules = new()
        {
            Now = default,                           // of each pass
            NeededFrom = Links.NeededFrom,
            HoldAge = Options.LinkHoldTime,
            HoldBytes = Options.LinkHoldBytes,
        };
        RetentionKeeper keeper = new(Engine.Container, rules, State, Time, Part(), _logger);
        closers.Add("retention", keeper.DisposeAsync);
    }

    private void OpenGateway()
    {
        MqttGatewayOptions mqtt = Options.MqttLimits with
        {
            AcceptRate = Options.AcceptRate,
            DevicesElsewhere = Options.DevicesElsewhere,
            DevicesPerSecond = Options.DevicesPerSecond,
            Places = Options.MqttPlace,
            MaxKeepAlive = Options.MqttMaxKeepAlive,
            ServerReference = Options.MqttReference,
            WillGrace = Options.LinksTo.IsEmpty ? TimeSpan.Zero : WillGrace,
        };
        Gateway = new MqttGateway(Engine.Store, new LinkHorizon(Links.Horizon), new OpenAccess(), mqtt, Time, Part(),
            log.CreateLogger<MqttGateway>());
        closers.Add("gateway", () =>
        {
            Gateway.Dispose();
            return ValueTask.CompletedTask;
        });
    }
}
